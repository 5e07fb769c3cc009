package io.diffuse4j.core.scheduler;

import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.sampler.Combination;
import io.diffuse4j.core.sampler.Limit;
import io.diffuse4j.core.sampler.Row;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * UniPC, a predictor and a corrector of any order that share their network calls (arXiv 2302.04867,
 * algorithms 1 and 2); diffusers' {@code UniPCMultistepScheduler}, orders 1 to 3.
 *
 * <p>With hh = h for the noise form, -h for x0, phi_1 = expm1(hh) and B the function of {@code
 * solver_type} (hh for bh1, expm1(hh) for bh2), both are
 *
 * <pre>x_t = x * x_s0 + d0 * m0 - scale * B * sum_k rho_k (m_k - m0) / r_k</pre>
 *
 * where r_k = (lambda_k - lambda_s0) / h runs over earlier nodes, and for the corrector over t
 * itself (r = 1), and rho solves sum_k r_k^(i-1) rho_k = phi_(i+1) i! / B (equation 10). The
 * corrector runs once the output at t is known, on the sample before: that is the saved sample, and
 * its result is corrected first and then predicted from, in one row.
 */
final class UniPc implements Scheduler {
  private final DpmTrajectory.Choice choice;
  private final Prediction prediction;
  private final Limit limit;
  private final int order;
  private final boolean integratesX0;
  private final boolean bh1;
  private final boolean lowerOrderFinal;
  private final Set<Integer> uncorrected;

  UniPc(SchedulerFields fields) {
    fields.requireNoFlow();
    fields.requireDefault("solver_p", null);
    fields.requireDefault("shift_terminal", null);
    order = fields.integer("solver_order", 2, 1, 3);
    prediction = fields.prediction(Prediction.values());
    integratesX0 = fields.bool("predict_x0", true);
    // diffusers thresholds x0 in the x0 form only.
    Limit threshold = fields.threshold();
    limit = integratesX0 ? threshold : Limit.NONE;
    bh1 =
        fields
            .oneOf("solver_type", "bh2", "bh1", "bh2", "midpoint", "heun", "logrho")
            .equals("bh1");
    lowerOrderFinal = fields.bool("lower_order_final", true);
    uncorrected = new HashSet<>(fields.integers("disable_corrector"));
    SigmaSchedule levels = SigmaSchedule.of(fields, false);
    DpmTrajectory.Choice.Final end = DpmTrajectory.Choice.end(fields);
    boolean lastLevel =
        end == DpmTrajectory.Choice.Final.SIGMA_MIN && levels != SigmaSchedule.OF_TIMESTEPS;
    choice =
        new DpmTrajectory.Choice(
            NoiseSchedule.of(fields, true, true, 0.0001, 0.02, "linear"),
            Spacing.of(fields, Spacing.LINSPACE),
            fields.integer("steps_offset", 0, 0, 1000),
            levels,
            lastLevel ? DpmTrajectory.Choice.Final.LAST_LEVEL : end,
            Double.NEGATIVE_INFINITY,
            levels == SigmaSchedule.KARRAS,
            fields.positive("sigma_min"),
            fields.positive("sigma_max"));
  }

  @Override
  public String name() {
    return "UniPCMultistep";
  }

  @Override
  public int maxSteps() {
    return choice.schedule().size();
  }

  @Override
  public CoefficientTable table(int steps, int begin) {
    Steps.check(steps, begin, maxSteps(), name());
    DpmTrajectory trajectory = choice.trajectory(steps);
    Combination x = Combination.ZERO.withX(1);
    List<Row> rows = new ArrayList<>();
    int previousOrder = 0;
    for (int i = begin; i < steps; i++) {
      Node node = trajectory.node(i);
      boolean corrects = i > begin && !uncorrected.contains(i - 1);
      Combination corrected = corrects ? correct(trajectory, i, begin, previousOrder) : x;
      int wanted = lowerOrderFinal ? Math.min(order, steps - i) : order;
      wanted = Math.min(wanted, i - begin + 1);
      Combination update = predict(trajectory, i, trajectory.order(i, begin, wanted), corrected);
      Row row =
          Row.of(
              1,
              trajectory.timesteps().get(i),
              integratesX0
                  ? prediction.toX0(node.alpha(), node.sigma(), limit)
                  : prediction.toNoise(node.alpha(), node.sigma(), limit),
              update);
      rows.add(row.pushing().withSave(corrected));
      previousOrder = wanted;
    }
    return trajectory.table(rows, begin);
  }

  /** From node i to i + 1, starting at {@code sample}, with m0, m1, m2 at the nodes i, i-1, i-2. */
  private Combination predict(DpmTrajectory trajectory, int i, int order, Combination sample) {
    Node s0 = trajectory.node(i);
    Node t = trajectory.node(i + 1);
    Combination first = firstOrder(s0, t, sample, conversion(0));
    double h = t.lambda() - s0.lambda();
    if (order == 1 || !(h > 0)) {
      return first;
    }
    double[] r = new double[order - 1];
    for (int k = 1; k < order; k++) {
      r[k - 1] = (trajectory.node(i - k).lambda() - s0.lambda()) / h;
    }
    // diffusers, and the authors' code, take 1/2 for the one weight of order 2.
    double[] rho = order == 2 ? new double[] {0.5} : weights(r, h);
    Combination sum = first;
    for (int k = 1; k < order; k++) {
      Combination slope = conversion(k).plus(-1, conversion(0));
      sum = sum.plus(-scale(t) * b(h) * rho[k - 1] / r[k - 1], slope);
    }
    return sum;
  }

  /**
   * The step from node i - 1 to i once more, now that the output at i is known: from the saved
   * sample, with this call's conversion at i and m1, m2, m3 at i-1, i-2, i-3.
   */
  private Combination correct(DpmTrajectory trajectory, int i, int begin, int wanted) {
    Node s0 = trajectory.node(i - 1);
    Node t = trajectory.node(i);
    double h = t.lambda() - s0.lambda();
    if (!(h > 0) || t.isClean()) {
      return Combination.ZERO.withX(1);
    }
    int order = trajectory.pointsApart(i - 1, begin, wanted);
    Combination sum = firstOrder(s0, t, Combination.ZERO.withSaved(1), conversion(1));
    double[] r = new double[order];
    for (int k = 1; k < order; k++) {
      r[k - 1] = (trajectory.node(i - 1 - k).lambda() - s0.lambda()) / h;
    }
    r[order - 1] = 1;
    double[] rho = order == 1 ? new double[] {0.5} : weights(r, h);
    for (int k = 1; k <= order; k++) {
      Combination other = k == order ? conversion(0) : conversion(k + 1);
      Combination slope = other.plus(-1, conversion(1));
      sum = sum.plus(-scale(t) * b(h) * rho[k - 1] / r[k - 1], slope);
    }
    return sum;
  }

  private Combination firstOrder(Node s, Node t, Combination sample, Combination m) {
    DpmAlgorithm algorithm = integratesX0 ? DpmAlgorithm.DPM_PLUS : DpmAlgorithm.DPM;
    DpmAlgorithm.Step step = algorithm.step(s, t);
    return Combination.ZERO.plus(step.x(), sample).plus(step.d0(), m);
  }

  private double scale(Node t) {
    return integratesX0 ? t.alpha() : t.sigma();
  }

  private double b(double h) {
    double hh = integratesX0 ? -h : h;
    return bh1 ? hh : Math.expm1(hh);
  }

  /** rho of equation 10 for these r. */
  private double[] weights(double[] r, double h) {
    int n = r.length;
    double hh = integratesX0 ? -h : h;
    double phi = Math.expm1(hh) / hh - 1;
    double factorial = 1;
    double[][] system = new double[n][n + 1];
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < n; k++) {
        system[i][k] = Math.pow(r[k], i);
      }
      system[i][n] = phi * factorial / b(h);
      factorial *= i + 2;
      phi = phi / hh - 1 / factorial;
    }
    return LinearSystem.solve(system);
  }

  /** The current conversion, or the one stored {@code back} calls ago. */
  private static Combination conversion(int back) {
    return Combination.ZERO.withConversions(
        back == 0 ? 1 : 0, back == 1 ? 1 : 0, back == 2 ? 1 : 0, back == 3 ? 1 : 0);
  }
}
