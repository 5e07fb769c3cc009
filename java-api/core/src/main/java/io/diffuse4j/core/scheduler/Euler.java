package io.diffuse4j.core.scheduler;

import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.sampler.Combination;
import io.diffuse4j.core.sampler.Limit;
import io.diffuse4j.core.sampler.Row;
import java.util.ArrayList;
import java.util.List;

/**
 * Euler's method on the probability flow ODE dx/dsigma = (x - x0) / sigma (arXiv 2206.00364,
 * algorithm 1 without its second-order part and its churn); diffusers' {@code
 * EulerDiscreteScheduler}.
 *
 * <pre>x_next = x + (sigma_next - sigma) (x - x0) / sigma</pre>
 */
final class Euler implements Scheduler {
  private final SigmaTrajectory.Choice choice;
  private final Prediction prediction;

  Euler(SchedulerFields fields) {
    prediction = fields.prediction(Prediction.values());
    boolean continuous =
        fields.oneOf("timestep_type", "discrete", "discrete", "continuous").equals("continuous");
    choice =
        new SigmaTrajectory.Choice(
            NoiseSchedule.of(fields, true, true, 0.0001, 0.02, "linear"),
            Spacing.of(fields, Spacing.LINSPACE),
            fields.integer("steps_offset", 0, 0, 1000),
            SigmaSchedule.of(fields, false),
            fields
                .oneOf("interpolation_type", "linear", "linear", "log_linear")
                .equals("log_linear"),
            continuous && prediction == Prediction.V,
            fields.oneOf("final_sigmas_type", "zero", "zero", "sigma_min").equals("zero"),
            fields.positive("sigma_min"),
            fields.positive("sigma_max"));
  }

  @Override
  public String name() {
    return "EulerDiscrete";
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
      rows.add(
          Row.of(
              trajectory.inputScale(i),
              trajectory.timesteps()[i],
              prediction.toDerivative(sigmas[i], Limit.NONE),
              Combination.of(1, sigmas[i + 1] - sigmas[i])));
    }
    return new CoefficientTable(rows, choice.initNoiseSigma(sigmas[0]), 1, sigmas[begin]);
  }
}
