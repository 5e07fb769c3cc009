package io.diffuse4j.core.scheduler;

import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.sampler.Combination;
import io.diffuse4j.core.sampler.Limit;
import io.diffuse4j.core.sampler.Row;
import java.util.ArrayList;
import java.util.List;

/**
 * DEIS in log rho (arXiv 2204.13902, equation 15); diffusers' {@code DEISMultistepScheduler},
 * orders 1 to 3. With rho = sigma / alpha and L_j the Lagrange polynomials in log rho through the
 * last nodes,
 *
 * <pre>x_t = alpha_t (x_s / alpha_s + sum_j m_j * integral of L_j(log rho) from rho_s to rho_t)
 * </pre>
 */
final class Deis implements Scheduler {
  /** diffusers lowers the order of the last steps of runs shorter than this. */
  private static final int SHORT_RUN = 15;

  private final DpmTrajectory.Choice choice;
  private final Prediction prediction;
  private final Limit limit;
  private final int order;
  private final boolean lowerOrderFinal;

  Deis(SchedulerFields fields) {
    fields.requireNoFlow();
    // Those of other solvers, carried over, mean the only ones there are here, as in diffusers.
    fields.oneOf("algorithm_type", "deis", "deis", "dpmsolver", "dpmsolver++");
    fields.oneOf("solver_type", "logrho", "logrho", "midpoint", "heun", "bh1", "bh2");
    order = fields.integer("solver_order", 2, 1, 3);
    prediction = fields.prediction(Prediction.values());
    limit = fields.threshold();
    lowerOrderFinal = fields.bool("lower_order_final", true);
    SigmaSchedule levels = SigmaSchedule.of(fields, false);
    choice =
        new DpmTrajectory.Choice(
            NoiseSchedule.of(fields, false),
            Spacing.of(fields, Spacing.LINSPACE),
            fields.integer("steps_offset", 0, 0, 1000),
            levels,
            DpmTrajectory.Choice.Final.LAST_LEVEL,
            Double.NEGATIVE_INFINITY,
            levels == SigmaSchedule.KARRAS,
            fields.positive("sigma_min"),
            fields.positive("sigma_max"));
  }

  @Override
  public String name() {
    return "DEISMultistep";
  }

  @Override
  public int maxSteps() {
    return choice.schedule().size();
  }

  @Override
  public CoefficientTable table(int steps, int begin) {
    Steps.check(steps, begin, maxSteps(), name());
    DpmTrajectory trajectory = choice.trajectory(steps);
    List<Row> rows = new ArrayList<>();
    for (int i = begin; i < steps; i++) {
      Node node = trajectory.node(i);
      boolean lowered = lowerOrderFinal && steps < SHORT_RUN;
      int wanted = lowered ? Math.min(order, steps - i) : order;
      Row row =
          Row.of(
              1,
              trajectory.timesteps().get(i),
              prediction.toNoise(node.alpha(), node.sigma(), limit),
              update(trajectory, i, trajectory.order(i, begin, wanted)));
      rows.add(row.pushing());
    }
    return trajectory.table(rows, begin);
  }

  private static Combination update(DpmTrajectory trajectory, int i, int order) {
    Node s = trajectory.node(i);
    Node t = trajectory.node(i + 1);
    if (order == 1) {
      DpmAlgorithm.Step step = DpmAlgorithm.DPM.step(s, t);
      return Combination.of(step.x(), step.d0());
    }
    double[] nodes = new double[order];
    for (int j = 0; j < order; j++) {
      nodes[j] = -trajectory.node(i - j).lambda(); // log rho
    }
    double[] weights = new double[3];
    for (int j = 0; j < order; j++) {
      weights[j] = t.alpha() * (integral(-t.lambda(), nodes, j) - integral(nodes[0], nodes, j));
    }
    return Combination.ZERO
        .withX(t.alpha() / s.alpha())
        .withConversions(weights[0], weights[1], weights[2], 0);
  }

  /**
   * The antiderivative of L_j at rho, by its logarithm: that of 1, log rho and log² rho is rho
   * times 1, log - 1 and log² - 2 log + 2.
   */
  private static double integral(double log, double[] nodes, int j) {
    double constant = 1;
    double linear = 0;
    double quadratic = 0;
    for (int k = 0; k < nodes.length; k++) {
      if (k != j) {
        double gap = nodes[j] - nodes[k];
        quadratic = (linear - quadratic * nodes[k]) / gap;
        linear = (constant - linear * nodes[k]) / gap;
        constant = -constant * nodes[k] / gap;
      }
    }
    return Math.exp(log) * (constant + linear * (log - 1) + quadratic * (log * log - 2 * log + 2));
  }
}
