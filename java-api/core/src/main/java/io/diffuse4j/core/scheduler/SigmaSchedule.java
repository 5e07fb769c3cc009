package io.diffuse4j.core.scheduler;

import java.util.Arrays;
import java.util.OptionalDouble;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * How the noise levels sigma / alpha of a run are spread between the two ends, when they are not
 * simply those of the timesteps; the timesteps then follow from the levels.
 */
enum SigmaSchedule {
  OF_TIMESTEPS,
  /** Even in sigma^(1/7) (arXiv 2206.00364, equation 5). */
  KARRAS,
  /** Even in log sigma. */
  EXPONENTIAL,
  /** Quantiles of a Beta(0.6, 0.6) distribution (arXiv 2407.12173). */
  BETA,
  /** Even in lambda (arXiv 2206.00927, appendix C); diffusers' {@code use_lu_lambdas}. */
  LU;

  private static final double RHO = 7;
  private static final double BETA_SHAPE = 0.6;

  static SigmaSchedule of(SchedulerFields fields, boolean mayLu) {
    boolean karras = fields.bool("use_karras_sigmas", false);
    boolean exponential = fields.bool("use_exponential_sigmas", false);
    boolean beta = fields.bool("use_beta_sigmas", false);
    boolean lu = mayLu && fields.bool("use_lu_lambdas", false);
    if ((karras ? 1 : 0) + (exponential ? 1 : 0) + (beta ? 1 : 0) > 1) {
      throw new IllegalArgumentException(
          "only one of use_karras_sigmas, use_exponential_sigmas and use_beta_sigmas can be true");
    }
    // diffusers' order of precedence.
    return karras ? KARRAS : lu ? LU : exponential ? EXPONENTIAL : beta ? BETA : OF_TIMESTEPS;
  }

  /** {@code steps} levels from {@code largest} down to {@code smallest}. */
  double[] between(double largest, double smallest, int steps) {
    double least = Math.max(smallest, Float.MIN_NORMAL);
    IntToDoubleFunction level =
        switch (this) {
          case KARRAS ->
              i -> {
                double low = Math.pow(least, 1 / RHO);
                double high = Math.pow(largest, 1 / RHO);
                return Math.pow(high + ramp(i, steps) * (low - high), RHO);
              };
          case EXPONENTIAL, LU ->
              i -> {
                double low = Math.log(least);
                double high = Math.log(largest);
                return Math.exp(high + ramp(i, steps) * (low - high));
              };
          case BETA ->
              i -> {
                double quantile = BetaDistribution.quantile(1 - ramp(i, steps), BETA_SHAPE);
                return least + quantile * (largest - least);
              };
          case OF_TIMESTEPS -> throw new IllegalStateException("levels are those of the timesteps");
        };
    return IntStream.range(0, steps).mapToDouble(level).toArray();
  }

  private static double ramp(int i, int steps) {
    return i == 0 ? 0 : (double) i / (steps - 1);
  }

  /** The same between the ends of {@code sigmas}, unless a field overrides them. */
  double[] between(float[] sigmas, OptionalDouble least, OptionalDouble largest, int steps) {
    return between(largest.orElse(sigmas[sigmas.length - 1]), least.orElse(sigmas[0]), steps);
  }

  /** The levels of {@code sigmas} (by training timestep) at {@code timesteps}, interpolated. */
  static double[] at(double[] timesteps, float[] sigmas) {
    return Arrays.stream(timesteps).map(t -> interpolate(t, sigmas)).toArray();
  }

  private static double interpolate(double t, float[] sigmas) {
    int below = (int) t;
    if (below >= sigmas.length - 1) {
      return sigmas[sigmas.length - 1];
    }
    double slope = (double) sigmas[below + 1] - sigmas[below];
    return slope * (t - below) + sigmas[below];
  }

  /**
   * The training timesteps of levels, linear in log sigma between two of them. The logarithms of
   * the table are float32, as diffusers has them: these timesteps are what a network is fed, and
   * the same network should be fed the same.
   */
  static double[] timestepsOf(double[] levels, float[] sigmas) {
    double[] logs = new double[sigmas.length];
    for (int t = 0; t < logs.length; t++) {
      logs[t] = FloatLog.log(sigmas[t]);
    }
    return Arrays.stream(levels).map(level -> timestepOf(level, logs)).toArray();
  }

  private static double timestepOf(double level, double[] logs) {
    if (logs.length == 1) {
      return 0;
    }
    double log = Math.log(Math.max(level, 1e-10));
    int low = 0;
    while (low < logs.length - 2 && logs[low + 1] <= log) {
      low++;
    }
    double weight = (logs[low] - log) / (logs[low] - logs[low + 1]);
    if (Double.isNaN(weight)) {
      return low;
    }
    weight = Math.max(0, Math.min(weight, 1));
    return (1 - weight) * low + weight * (low + 1);
  }
}
