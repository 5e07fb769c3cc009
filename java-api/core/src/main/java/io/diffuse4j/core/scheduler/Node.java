package io.diffuse4j.core.scheduler;

/**
 * A point of the trajectory, x = alpha x0 + sigma eps. The natural time of DPM-Solver and its
 * relatives is lambda = log(alpha / sigma).
 */
record Node(double alpha, double sigma) {
  /** From sigma / alpha, with alpha² + sigma² = 1. */
  static Node ofRatio(double ratio) {
    double alpha = 1 / Math.sqrt(ratio * ratio + 1);
    return new Node(alpha, ratio * alpha);
  }

  static Node ofAlphaBar(double alphaBar) {
    return new Node(Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar));
  }

  /** Infinite where nothing is left of the noise. */
  double lambda() {
    return Math.log(alpha) - Math.log(sigma);
  }

  boolean isClean() {
    return sigma == 0;
  }
}
