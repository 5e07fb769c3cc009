package io.diffuse4j.core.scheduler;

import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.sampler.Combination;
import io.diffuse4j.core.sampler.Limit;
import io.diffuse4j.core.sampler.Row;
import java.util.ArrayList;
import java.util.List;

/**
 * DPM-Solver and DPM-Solver++ in blocks of up to three network calls that all start from the
 * block's first sample (arXiv 2206.00927, algorithms 1 and 2; 2211.01095, algorithm 1); diffusers'
 * {@code DPMSolverSinglestepScheduler}.
 *
 * <p>With s the block's first node, h = lambda_t - lambda_s, and for the later nodes of the block r
 * = (lambda - lambda_s) / h and D(r) = (m - m_s) / r, the derivatives are estimated as
 *
 * <pre>
 * order 2: D1 = D(r0)
 * order 3: D1 = D(r0), D2 left out (midpoint);
 *          D1 = (r0 D(r1) - r1 D(r0)) / (r0 - r1), D2 = 2 (D(r0) - D(r1)) / (r0 - r1) (heun)
 * </pre>
 *
 * with r1 of the second and r0 of the third call. The block's first sample is the saved sample.
 */
final class DpmSolverSinglestep implements Scheduler {
  private final DpmTrajectory.Choice choice;
  private final DpmAlgorithm algorithm;
  private final Prediction prediction;
  private final Limit limit;
  private final int order;
  private final boolean midpoint;
  private final boolean lowerOrderFinal;

  DpmSolverSinglestep(SchedulerFields fields) {
    fields.requireNoFlow();
    fields.oneOf("variance_type", "none", "none", "learned", "learned_range");
    algorithm =
        DpmSolverMultistep.algorithm(
            fields, DpmAlgorithm.DPM, DpmAlgorithm.DPM_PLUS, DpmAlgorithm.SDE_DPM_PLUS);
    order = fields.integer("solver_order", 2, 1, 3);
    midpoint = DpmSolverMultistep.midpoint(fields);
    prediction = fields.prediction(Prediction.values());
    limit = fields.threshold();
    lowerOrderFinal = fields.bool("lower_order_final", false);
    SigmaSchedule levels = SigmaSchedule.of(fields, false);
    // This scheduler rounds the timesteps of Karras levels whatever the betas are.
    choice =
        DpmSolverMultistep.choice(
            fields, NoiseSchedule.of(fields, false), Spacing.LINSPACE, 0, levels, "linear");
    DpmSolverMultistep.requireEnd(algorithm, choice.end());
  }

  @Override
  public String name() {
    return "DPMSolverSinglestep";
  }

  @Override
  public int maxSteps() {
    return choice.schedule().size();
  }

  /** Which call of its block each step is: 1, 2 or 3; the last in a block has the block's order. */
  private int[] orders(int steps) {
    boolean atZero = choice.end() == DpmTrajectory.Choice.Final.ZERO;
    boolean lowered = lowerOrderFinal || atZero || steps % order != 0;
    int[] orders = new int[steps];
    for (int i = 0; i < steps; i++) {
      orders[i] = i % order + 1;
    }
    if (lowered && order > 1 && steps % order == 0) {
      // The last full block is taken apart, so that the run ends with lower orders: 3 = 2 + 1.
      orders[steps - 1] = 1;
    }
    if (atZero) {
      orders[steps - 1] = 1;
    }
    return orders;
  }

  @Override
  public CoefficientTable table(int steps, int begin) {
    Steps.check(steps, begin, maxSteps(), name());
    DpmTrajectory trajectory = choice.trajectory(steps);
    int[] orders = orders(steps);
    List<Row> rows = new ArrayList<>();
    for (int i = begin; i < steps; i++) {
      // A run from an image can begin within a block; there are no calls before it.
      int inBlock = Math.min(orders[i], i - begin + 1);
      Row row =
          Row.of(
                  1,
                  trajectory.timesteps().get(i),
                  algorithm.conversion(prediction, trajectory.node(i), limit),
                  update(trajectory, i, inBlock))
              .pushing();
      row = inBlock == 1 ? row.withSave(Combination.ZERO.withX(1)) : row;
      Node start = trajectory.node(i - inBlock + 1);
      rows.add(algorithm.withNoise(row, start, trajectory.node(i + 1)));
    }
    return trajectory.table(rows, begin);
  }

  private Combination update(DpmTrajectory trajectory, int i, int inBlock) {
    Node t = trajectory.node(i + 1);
    Node s = trajectory.node(i - inBlock + 1);
    DpmAlgorithm.Step step = algorithm.step(s, t);
    Combination sample =
        inBlock == 1 ? Combination.ZERO.withX(step.x()) : Combination.ZERO.withSaved(step.x());
    Combination first = sample.plus(step.d0(), conversion(inBlock - 1));
    double h = t.lambda() - s.lambda();
    double r0 = (trajectory.node(i).lambda() - s.lambda()) / h;
    // Repeated timesteps, and a node without noise, leave nothing to estimate a derivative from.
    if (inBlock == 1 || !(r0 > 0) || t.isClean()) {
      return first;
    }
    Combination atR0 = slope(0, inBlock - 1, r0);
    if (inBlock == 2) {
      return first.plus(midpoint ? step.d1Midpoint() : step.d1(), atR0);
    }
    double r1 = (trajectory.node(i - 1).lambda() - s.lambda()) / h;
    if (midpoint || !(r1 > 0) || !(r1 < r0)) {
      return first.plus(step.d1(), atR0);
    }
    Combination atR1 = slope(1, inBlock - 1, r1);
    double gap = r0 - r1;
    return first
        .plus(step.d1() * r0 / gap, atR1)
        .plus(-step.d1() * r1 / gap, atR0)
        .plus(step.d2() * 2 / gap, atR0)
        .plus(-step.d2() * 2 / gap, atR1);
  }

  /** The conversion {@code back} calls ago. */
  private static Combination conversion(int back) {
    return Combination.ZERO.withConversions(
        back == 0 ? 1 : 0, back == 1 ? 1 : 0, back == 2 ? 1 : 0, 0);
  }

  /** (m - m_start) / r, each given by how many calls ago it was. */
  private static Combination slope(int back, int start, double r) {
    return Combination.ZERO.plus(1 / r, conversion(back)).plus(-1 / r, conversion(start));
  }
}
