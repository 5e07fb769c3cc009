package io.diffuse4j.core.scheduler;

/** Quantiles of the symmetric Beta(a, a) distribution. */
final class BetaDistribution {
  /** Halvings of [0, 1/2], and terms of a series in powers of at most 1/2: a double has 53 bits. */
  private static final int BITS = 60;

  private BetaDistribution() {}

  /** The x of [0, 1] below which lies the share {@code p}. */
  static double quantile(double p, double a) {
    if (p > 0.5) {
      return 1 - quantile(1 - p, a);
    }
    if (p == 0) {
      return 0;
    }
    double target = p * 2 * incomplete(0.5, a);
    double low = 0;
    double high = 0.5;
    for (int i = 0; i < BITS; i++) {
      double middle = (low + high) / 2;
      if (incomplete(middle, a) < target) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return (low + high) / 2;
  }

  /**
   * The incomplete beta function B_x(a, a) for x up to 1/2: the integral of t^(a-1) (1-t)^(a-1),
   * with the second factor as its binomial series.
   */
  private static double incomplete(double x, double a) {
    double coefficient = 1;
    double sum = 1 / a;
    for (int n = 1; n <= BITS; n++) {
      coefficient *= (n - a) / n * x;
      sum += coefficient / (a + n);
    }
    return Math.pow(x, a) * sum;
  }
}
