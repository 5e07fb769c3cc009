package io.diffuse4j.core.scheduler;

import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.sampler.Combination;
import io.diffuse4j.core.sampler.Limit;
import io.diffuse4j.core.sampler.Row;
import java.util.ArrayList;
import java.util.List;

/**
 * Heun's method on the probability flow ODE (arXiv 2206.00364, algorithm 1, without churn);
 * diffusers' {@code HeunDiscreteScheduler}. With d = (x - x0) / sigma, two calls a step but the
 * last:
 *
 * <pre>
 * x_e    = x + (sigma_next - sigma) d
 * x_next = x + (sigma_next - sigma) (d + d_e) / 2
 * </pre>
 *
 * The step's first sample is the saved sample, its first derivative the stored conversion.
 */
final class Heun implements Scheduler {
  private final SigmaTrajectory.Choice choice;
  private final Prediction prediction;
  private final Limit limit;

  Heun(SchedulerFields fields) {
    prediction = fields.prediction(Prediction.values());
    double range = fields.number("clip_sample_range", 1, Float.MIN_NORMAL, Float.MAX_VALUE);
    limit = fields.bool("clip_sample", false) ? new Limit.Clip(range) : Limit.NONE;
    choice =
        SigmaTrajectory.Choice.of(
            fields,
            NoiseSchedule.of(fields, false, false, 0.00085, 0.012, "linear"),
            SigmaSchedule.of(fields, false));
  }

  @Override
  public String name() {
    return "HeunDiscrete";
  }

  @Override
  public int maxSteps() {
    return choice.schedule().size();
  }

  @Override
  public CoefficientTable table(int steps, int begin) {
    Steps.check(steps, begin, maxSteps(), name());
    SigmaTrajectory trajectory = choice.trajectory(steps);
    double[] sigmas = trajectory.sigmas();
    List<Row> rows = new ArrayList<>();
    for (int i = begin; i < steps; i++) {
      double width = sigmas[i + 1] - sigmas[i];
      Row first = row(trajectory, i, Combination.of(1, width));
      if (i == steps - 1) {
        rows.add(first);
      } else {
        rows.add(first.pushing().withSave(Combination.ZERO.withX(1)));
        Combination second =
            Combination.ZERO.withSaved(1).withConversions(width / 2, width / 2, 0, 0);
        rows.add(row(trajectory, i + 1, second));
      }
    }
    return new CoefficientTable(rows, choice.initNoiseSigma(sigmas[0]), 1, sigmas[begin]);
  }

  private Row row(SigmaTrajectory trajectory, int i, Combination update) {
    return Row.of(
        trajectory.inputScale(i),
        trajectory.timesteps()[i],
        prediction.toDerivative(trajectory.sigmas()[i], limit),
        update);
  }
}
