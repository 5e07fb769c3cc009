package io.diffuse4j.core.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.sampler.Row;
import io.diffuse4j.core.sampler.TableRun;
import io.diffuse4j.weights.ModelConfig;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The solvers on a problem whose exact solution is known, between two finite noise levels, in steps
 * that are even in lambda.
 */
class DpmSolverConvergenceTest {
  private static final GaussianMixture MIXTURE = new GaussianMixture();

  /** sigma / alpha at both ends; the lower is that of the first training timestep. */
  private static final double LARGEST = 10;

  private static final double BETA = 0.01;
  private static final float ALPHA_BAR = 1 - (float) BETA;
  private static final double SMALLEST = Math.sqrt((1 - ALPHA_BAR) / ALPHA_BAR);

  private static final double[] START = {-1.9, -0.8, -0.1, 0.5, 1.1, 2.2};

  private static double error(String name, String algorithm, int order, int steps) {
    // steps levels evenly down to the one before the end, which is the first training timestep's.
    double beforeTheEnd = SMALLEST * Math.pow(LARGEST / SMALLEST, 1.0 / steps);
    List<String> options =
        List.of(
            "algorithm_type=" + algorithm,
            "solver_order=" + order,
            "lower_order_final=false",
            "final_sigmas_type=sigma_min",
            "use_exponential_sigmas=true",
            "sigma_max=" + LARGEST,
            "sigma_min=" + beforeTheEnd,
            "beta_start=" + BETA);
    Scheduler scheduler =
        Schedulers.create(ModelConfig.parse("test", "{}"), name, options, w -> {});
    CoefficientTable table = scheduler.table(steps);
    boolean toX0 = algorithm.endsWith("++");
    int[] call = {0};
    double step = Math.pow(SMALLEST / LARGEST, 1.0 / steps);
    TableRun run =
        new TableRun(
            table,
            START,
            (Row row, double[] x) -> {
              Node node = Node.ofRatio((float) (LARGEST * Math.pow(step, call[0]++)));
              if (toX0) {
                assertEquals(1 / node.alpha(), row.conversion().x0FromX(), 1e-5 / node.alpha());
                node = nodeOf(row);
              }
              Node at = node;
              return Arrays.stream(x).map(v -> MIXTURE.noise(v, at)).toArray();
            });
    double sum = 0;
    Node first = Node.ofRatio(LARGEST);
    Node last = Node.ofRatio((float) SMALLEST);
    for (int i = 0; i < START.length; i++) {
      double exact = MIXTURE.flow(START[i], first, last);
      sum += Math.pow(run.latents()[i] - exact, 2);
    }
    return Math.sqrt(sum / START.length);
  }

  /** The level at which a row of the x0 form takes its sample to be. */
  private static Node nodeOf(Row row) {
    double alpha = 1 / row.conversion().x0FromX();
    return new Node(alpha, Math.sqrt(1 - alpha * alpha));
  }

  private static double slope(String name, String algorithm, int order, int steps) {
    double coarse = error(name, algorithm, order, steps);
    double fine = error(name, algorithm, order, 2 * steps);
    return Math.log(coarse / fine) / Math.log(2);
  }

  @ParameterizedTest
  @CsvSource({
    "dpmsolver,1",
    "dpmsolver,2",
    "dpmsolver,3",
    "dpmsolver++,1",
    "dpmsolver++,2",
    "dpmsolver++,3"
  })
  void singlestepConvergesWithItsOrder(String algorithm, int order) {
    assertEquals(order, slope("DPMSolverSinglestep", algorithm, order, 192), 0.2);
  }

  @ParameterizedTest
  @CsvSource({"dpmsolver", "dpmsolver++"})
  void multistepOfOrder2ConvergesWithSlope2(String algorithm) {
    assertEquals(2, slope("DPMSolverMultistep", algorithm, 2, 192), 0.2);
  }

  @ParameterizedTest
  @CsvSource({"dpmsolver", "dpmsolver++"})
  void multistepOfOrder3ShowsItsFirstStepsOrderAndIsMoreAccurateThanOrder2(String algorithm) {
    assertEquals(2, slope("DPMSolverMultistep", algorithm, 3, 192), 0.3);
    for (int steps : new int[] {96, 192, 384}) {
      double third = error("DPMSolverMultistep", algorithm, 3, steps);
      assertTrue(third < error("DPMSolverMultistep", algorithm, 2, steps));
    }
  }

  @Test
  void theAdaptiveSolverMeetsItsToleranceWithFewerCallsThanASmallerOne() {
    for (int order = 2; order <= 3; order++) {
      int calls = 0;
      double previous = Double.POSITIVE_INFINITY;
      for (double tolerance : new double[] {1e-2, 1e-3, 1e-4}) {
        DpmAdaptive adaptive =
            Schedulers.adaptive(
                ModelConfig.parse("test", "{\"beta_start\": " + BETA + "}"),
                List.of("order=" + order, "atol=" + tolerance, "rtol=" + tolerance),
                w -> {});
        DpmAdaptive.Run run = adaptive.start();
        Node first = run.nodes().get(0);
        double[] x = {0.3};
        double[] previousLower = x;
        while (!run.done()) {
          CoefficientTable attempt = run.attempt();
          TableRun tried = new TableRun(attempt, x, (row, in) -> noise(row, in, run, attempt));
          double delta =
              Math.max(
                  tolerance,
                  tolerance * Math.max(Math.abs(tried.saved()[0]), Math.abs(previousLower[0])));
          double error = Math.abs(tried.latents()[0] - tried.saved()[0]) / delta;
          if (run.finish(error)) {
            x = tried.latents();
            previousLower = tried.saved();
          }
        }
        Node last = Node.ofRatio((float) SMALLEST);
        double error = Math.abs(x[0] - MIXTURE.flow(0.3, first, last));
        assertTrue(error < 20 * tolerance && error < previous, order + ": " + error);
        assertTrue(run.calls() > calls && run.calls() % order == 0, order + ": " + run.calls());
        calls = run.calls();
        previous = error;
      }
    }
  }

  private static double[] noise(
      Row row, double[] x, DpmAdaptive.Run run, CoefficientTable attempt) {
    int index = attempt.rows().indexOf(row);
    Node node = run.nodes().get(index);
    return Arrays.stream(x).map(v -> MIXTURE.noise(v, node)).toArray();
  }
}
