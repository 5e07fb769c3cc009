package io.diffuse4j.core.scheduler;

/**
 * A one-dimensional Gaussian mixture, for which all that a perfect network could say is known.
 * Along the probability flow a sample keeps its quantile, so the exact solution is known too.
 */
final class GaussianMixture {
  private static final double[] WEIGHTS = {0.3, 0.45, 0.25};
  private static final double[] MEANS = {-1.2, 0.4, 1.5};
  private static final double[] DEVIATIONS = {0.35, 0.5, 0.3};

  /** The noise in x, for x = alpha x0 + sigma eps: -sigma d/dx log p(x). */
  double noise(double x, Node node) {
    double density = 0;
    double slope = 0;
    for (int k = 0; k < WEIGHTS.length; k++) {
      double deviation = deviation(k, node);
      double z = (x - node.alpha() * MEANS[k]) / deviation;
      double p = WEIGHTS[k] / deviation * Math.exp(-z * z / 2);
      density += p;
      slope -= p * z / deviation;
    }
    return -node.sigma() * slope / density;
  }

  /** Where the probability flow takes x from one node to another. */
  double flow(double x, Node from, Node to) {
    double quantile = distribution(x, from);
    double low = -100;
    double high = 100;
    for (int i = 0; i < 200; i++) {
      double middle = (low + high) / 2;
      if (distribution(middle, to) < quantile) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return (low + high) / 2;
  }

  private double distribution(double x, Node node) {
    double sum = 0;
    for (int k = 0; k < WEIGHTS.length; k++) {
      sum += WEIGHTS[k] * normal((x - node.alpha() * MEANS[k]) / deviation(k, node));
    }
    return sum;
  }

  private static double deviation(int k, Node node) {
    return Math.hypot(node.alpha() * DEVIATIONS[k], node.sigma());
  }

  /** The standard normal distribution: Marsaglia's series (2004), exact to rounding. */
  private static double normal(double z) {
    if (Math.abs(z) > 7) {
      return z < 0 ? 0 : 1;
    }
    double sum = z;
    double term = z;
    for (int i = 3; Math.abs(term) > 1e-18 * Math.abs(sum); i += 2) {
      term *= z * z / i;
      sum += term;
    }
    return 0.5 + sum * Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
  }
}
