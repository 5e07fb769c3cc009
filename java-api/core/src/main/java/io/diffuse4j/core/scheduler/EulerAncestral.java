package io.diffuse4j.core.scheduler;

import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.sampler.Combination;
import io.diffuse4j.core.sampler.Limit;
import io.diffuse4j.core.sampler.NoiseScale;
import io.diffuse4j.core.sampler.Row;
import java.util.ArrayList;
import java.util.List;

/**
 * Euler's method with noise put back in after each step, as k-diffusion's {@code
 * sample_euler_ancestral}; diffusers' {@code EulerAncestralDiscreteScheduler}. With up² = next²
 * (sigma² - next²) / sigma² and down² = next² - up²,
 *
 * <pre>x_next = x + (down - sigma) (x - x0) / sigma + up z</pre>
 */
final class EulerAncestral implements Scheduler {
  private final SigmaTrajectory.Choice choice;
  private final Prediction prediction;

  EulerAncestral(SchedulerFields fields) {
    prediction = fields.prediction(Prediction.EPSILON, Prediction.V);
    choice =
        SigmaTrajectory.Choice.of(
            fields,
            NoiseSchedule.of(fields, true, true, 0.0001, 0.02, "linear"),
            SigmaSchedule.OF_TIMESTEPS);
  }

  @Override
  public String name() {
    return "EulerAncestralDiscrete";
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
      double now = sigmas[i];
      double next = sigmas[i + 1];
      double ratio = now == 0 ? 0 : next / now;
      double up = next * Math.sqrt(Math.max(0, 1 - ratio * ratio));
      double down = Math.sqrt(Math.max(0, next * next - up * up));
      Row row =
          Row.of(
              trajectory.inputScale(i),
              trajectory.timesteps()[i],
              prediction.toDerivative(now, Limit.NONE),
              Combination.of(1, down - now));
      rows.add(row.drawing(up, NoiseScale.ONE));
    }
    return new CoefficientTable(rows, choice.initNoiseSigma(sigmas[0]), 1, sigmas[begin]);
  }
}
