package io.diffuse4j.core.scheduler;

import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.sampler.Combination;
import io.diffuse4j.core.sampler.Limit;
import io.diffuse4j.core.sampler.Row;
import java.util.ArrayList;
import java.util.List;

/**
 * DPM-Solver and DPM-Solver++ with stored conversions of earlier steps (arXiv 2206.00927,
 * 2211.01095), orders 1 to 3, ODE and SDE; diffusers' {@code DPMSolverMultistepScheduler}.
 *
 * <p>With h = lambda_t - lambda_s0, r0 = (lambda_s0 - lambda_s1) / h, r1 = (lambda_s1 - lambda_s2)
 * / h and m0, m1, m2 the conversions at s0, s1, s2, the derivatives are estimated as
 *
 * <pre>
 * order 2: D1 = (m0 - m1) / r0
 * order 3: D10 = (m0 - m1) / r0, D11 = (m1 - m2) / r1,
 *          D1 = D10 + r0 / (r0 + r1) (D10 - D11), D2 = (D10 - D11) / (r0 + r1)
 * </pre>
 *
 * and put into the step of the {@link DpmAlgorithm}.
 */
final class DpmSolverMultistep implements Scheduler {
  /** diffusers lowers the order of the last steps of runs shorter than this. */
  private static final int SHORT_RUN = 15;

  private final DpmTrajectory.Choice choice;
  private final DpmAlgorithm algorithm;
  private final Prediction prediction;
  private final Limit limit;
  private final int order;
  private final boolean midpoint;
  private final boolean lowerOrderFinal;
  private final boolean eulerAtFinal;

  DpmSolverMultistep(SchedulerFields fields) {
    fields.requireNoFlow();
    // The network's variance channels play no part in these solvers.
    fields.oneOf("variance_type", "none", "none", "learned", "learned_range");
    algorithm = algorithm(fields, DpmAlgorithm.values());
    order = fields.integer("solver_order", 2, 1, 3);
    if (order == 3 && algorithm == DpmAlgorithm.SDE_DPM) {
      throw new IllegalArgumentException("sde-dpmsolver has solver_order 1 and 2 only");
    }
    midpoint = midpoint(fields);
    prediction = fields.prediction(Prediction.values());
    limit = fields.threshold();
    lowerOrderFinal = fields.bool("lower_order_final", true);
    eulerAtFinal = fields.bool("euler_at_final", false);
    choice =
        choice(
            fields,
            NoiseSchedule.of(fields, true, true, 0.0001, 0.02, "linear"),
            Spacing.of(fields, Spacing.LINSPACE),
            fields.integer("steps_offset", 0, 0, 1000),
            SigmaSchedule.of(fields, true),
            fields.oneOf("beta_schedule", "linear", Schedulers.BETA_SCHEDULES));
    requireEnd(algorithm, choice.end());
  }

  static DpmTrajectory.Choice choice(
      SchedulerFields fields,
      NoiseSchedule schedule,
      Spacing spacing,
      int offset,
      SigmaSchedule levels,
      String betaSchedule) {
    boolean rounds =
        (levels == SigmaSchedule.KARRAS || levels == SigmaSchedule.LU)
            && !betaSchedule.equals("squaredcos_cap_v2");
    return new DpmTrajectory.Choice(
        schedule,
        spacing,
        offset,
        levels,
        DpmTrajectory.Choice.end(fields),
        fields.number("lambda_min_clipped", Double.NEGATIVE_INFINITY),
        rounds,
        fields.positive("sigma_min"),
        fields.positive("sigma_max"));
  }

  static DpmAlgorithm algorithm(SchedulerFields fields, DpmAlgorithm... allowed) {
    List<String> names = new ArrayList<>();
    for (DpmAlgorithm each : allowed) {
      names.add(each.field());
    }
    names.add("deis"); // of a DEIS configuration carried over
    String name = fields.oneOf("algorithm_type", "dpmsolver++", names.toArray(new String[0]));
    for (DpmAlgorithm each : allowed) {
      if (each.field().equals(name)) {
        return each;
      }
    }
    return DpmAlgorithm.DPM_PLUS;
  }

  /** The types of other solvers mean the default here, as in diffusers. */
  static boolean midpoint(SchedulerFields fields) {
    return !fields
        .oneOf("solver_type", "midpoint", "midpoint", "heun", "logrho", "bh1", "bh2")
        .equals("heun");
  }

  static void requireEnd(DpmAlgorithm algorithm, DpmTrajectory.Choice.Final end) {
    if (!algorithm.integratesX0() && end == DpmTrajectory.Choice.Final.ZERO) {
      throw new IllegalArgumentException(
          "final_sigmas_type zero is not supported for algorithm_type "
              + algorithm.field()
              + "; use sigma_min");
    }
  }

  @Override
  public String name() {
    return "DPMSolverMultistep";
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
      int wanted = trajectory.order(i, begin, Math.min(order, finalOrder(i, steps)));
      Row row =
          Row.of(
                  1,
                  trajectory.timesteps().get(i),
                  algorithm.conversion(prediction, trajectory.node(i), limit),
                  update(trajectory, i, wanted))
              .pushing();
      rows.add(algorithm.withNoise(row, trajectory.node(i), trajectory.node(i + 1)));
    }
    return trajectory.table(rows, begin);
  }

  private int finalOrder(int i, int steps) {
    boolean lowered = lowerOrderFinal && steps < SHORT_RUN;
    if (i == steps - 1) {
      boolean first = eulerAtFinal || lowered || choice.end() == DpmTrajectory.Choice.Final.ZERO;
      return first ? 1 : order;
    }
    return i == steps - 2 && lowered ? 2 : order;
  }

  private Combination update(DpmTrajectory trajectory, int i, int order) {
    Node s0 = trajectory.node(i);
    Node t = trajectory.node(i + 1);
    DpmAlgorithm.Step step = algorithm.step(s0, t);
    Combination first = Combination.of(step.x(), step.d0());
    double h = t.lambda() - s0.lambda();
    if (order == 1 || h == 0) {
      return first;
    }
    Node s1 = trajectory.node(i - 1);
    double r0 = (s0.lambda() - s1.lambda()) / h;
    Combination d10 = Combination.ZERO.withConversions(1 / r0, -1 / r0, 0, 0);
    if (order == 2) {
      return first.plus(midpoint ? step.d1Midpoint() : step.d1(), d10);
    }
    double r1 = (s1.lambda() - trajectory.node(i - 2).lambda()) / h;
    Combination d11 = Combination.ZERO.withConversions(0, 1 / r1, -1 / r1, 0);
    Combination difference = d10.plus(-1, d11);
    Combination d1 = d10.plus(r0 / (r0 + r1), difference);
    return first.plus(step.d1(), d1).plus(step.d2() / (r0 + r1), difference);
  }
}
