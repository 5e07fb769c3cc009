package io.diffuse4j.core.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.diffuse4j.core.sampler.Row;
import io.diffuse4j.core.sampler.TableRun;
import io.diffuse4j.weights.ModelConfig;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The rows of PNDM against its algorithm as the paper writes it (arXiv 2202.09778, algorithm 2).
 */
class PndmRungeKuttaTest {
  private static final int STEPS = 10;
  private static final int WIDTH = 1000 / STEPS;

  private final NoiseSchedule schedule =
      NoiseSchedule.of(new SchedulerFields(ModelConfig.parse("test", "{}")), false);

  private static double network(double x, double t) {
    return 0.7 * Math.sin(x + t / 500) + 0.2 * x;
  }

  private double transfer(double x, double e, int t, int s, boolean v) {
    double now = schedule.alphaBar(t);
    double next = schedule.alphaBar(Math.max(s, 0));
    double noise = v ? Math.sqrt(now) * e + Math.sqrt(1 - now) * x : e;
    double divisor = now * Math.sqrt(1 - next) + Math.sqrt(now * (1 - now) * next);
    return Math.sqrt(next / now) * x - (next - now) / divisor * noise;
  }

  @ParameterizedTest
  @ValueSource(strings = {"epsilon", "v_prediction"})
  void theTableIsRungeKuttaAndThenAdamsBashforth(String prediction) {
    boolean v = prediction.equals("v_prediction");
    double x = 0.8;
    Deque<Double> last = new ArrayDeque<>();
    for (int i = 0; i < STEPS; i++) {
      int t = 1000 - WIDTH - i * WIDTH;
      double e0 = network(x, t);
      double e;
      if (i < 3) {
        int middle = t - WIDTH / 2;
        int end = t - WIDTH;
        double e1 = network(transfer(x, e0, t, middle, v), middle);
        double e2 = network(transfer(x, e1, t, middle, v), middle);
        double e3 = network(transfer(x, e2, t, end, v), end);
        e = (e0 + 2 * e1 + 2 * e2 + e3) / 6;
      } else {
        List<Double> known = new ArrayList<>(last);
        e = (55 * e0 - 59 * known.get(0) + 37 * known.get(1) - 9 * known.get(2)) / 24;
      }
      last.addFirst(e0);
      x = transfer(x, e, t, t - WIDTH, v);
    }
    Scheduler pndm =
        Schedulers.create(
            ModelConfig.parse("test", "{}"),
            "PNDM",
            List.of("prediction_type=" + prediction),
            w -> {});
    TableRun run =
        new TableRun(
            pndm.table(STEPS),
            new double[] {0.8},
            (Row row, double[] in) -> new double[] {network(in[0], row.timestep())});
    assertEquals(x, run.latents()[0], 1e-12);
  }

  @Test
  void rungeKuttaStepsTakeFourCallsEach() {
    Scheduler pndm = Schedulers.create(ModelConfig.parse("test", "{}"), "PNDM", List.of(), w -> {});
    assertEquals(12 + STEPS - 3, pndm.table(STEPS).calls());
  }
}
