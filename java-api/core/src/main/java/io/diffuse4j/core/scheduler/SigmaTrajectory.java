package io.diffuse4j.core.scheduler;

import java.util.OptionalDouble;

/**
 * The points of the Euler family, in k-diffusion's terms: x = x0 + sigma eps, the network sees x /
 * sqrt(sigma² + 1) (arXiv 2206.00364).
 *
 * @param timesteps what the network is told, at each but the last level
 * @param sigmas one more than timesteps
 */
@SuppressWarnings("ArrayRecordComponent") // within this package, and never changed
record SigmaTrajectory(double[] timesteps, double[] sigmas) {

  /** What the network's input is scaled by at level i. */
  double inputScale(int i) {
    return 1 / Math.sqrt(sigmas[i] * sigmas[i] + 1);
  }

  /** How the levels are chosen. */
  record Choice(
      NoiseSchedule schedule,
      Spacing spacing,
      int offset,
      SigmaSchedule levels,
      boolean logLinear,
      boolean continuous,
      boolean endAtZero,
      OptionalDouble leastSigma,
      OptionalDouble largestSigma) {

    static Choice of(SchedulerFields fields, NoiseSchedule schedule, SigmaSchedule levels) {
      return new Choice(
          schedule,
          Spacing.of(fields, Spacing.LINSPACE),
          fields.integer("steps_offset", 0, 0, 1000),
          levels,
          false,
          false,
          true,
          OptionalDouble.empty(),
          OptionalDouble.empty());
    }

    SigmaTrajectory trajectory(int steps) {
      float[] trained = schedule.sigmas();
      double[] timesteps = spacing.visitingBothEnds(steps, trained.length, offset, false);
      double[] visited = SigmaSchedule.at(timesteps, trained);
      if (logLinear) {
        // steps + 1 levels, of which the last is replaced by the end.
        double[] levels =
            SigmaSchedule.EXPONENTIAL.between(trained[trained.length - 1], trained[0], steps + 1);
        System.arraycopy(levels, 0, visited, 0, steps);
      }
      if (levels != SigmaSchedule.OF_TIMESTEPS) {
        double largest = largestSigma.orElse(visited[0]);
        visited = levels.between(largest, leastSigma.orElse(visited[steps - 1]), steps);
        timesteps = SigmaSchedule.timestepsOf(visited, trained);
      }
      double[] sigmas = new double[steps + 1];
      for (int i = 0; i < steps; i++) {
        sigmas[i] = (float) visited[i];
        double told = continuous ? 0.25 * Math.log(sigmas[i]) : timesteps[i];
        timesteps[i] = (float) told;
      }
      sigmas[steps] = endAtZero ? 0 : trained[0];
      return new SigmaTrajectory(timesteps, sigmas);
    }

    /** The weight of initial noise for a run whose largest level is {@code largest}. */
    double initNoiseSigma(double largest) {
      return spacing == Spacing.LEADING ? Math.sqrt(largest * largest + 1) : largest;
    }
  }
}
