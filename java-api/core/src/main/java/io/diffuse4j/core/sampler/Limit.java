package io.diffuse4j.core.sampler;

/** What keeps the predicted x0 in range. */
public sealed interface Limit {
  Limit NONE = new None();

  /** x0 stays as predicted. */
  record None() implements Limit {}

  /** x0 is clamped to [-range, range]. */
  record Clip(double range) implements Limit {
    public Clip {
      if (!(range > 0)) {
        throw new IllegalArgumentException("clip range must be positive, is " + range);
      }
    }
  }

  /**
   * Dynamic thresholding (Imagen, arXiv 2205.11487, section 2.3): with s the quantile of |x0| over
   * the sample, linear between ranks, then at least 1 and at most {@code largest}, x0 is clamped to
   * [-s, s] and divided by s.
   */
  record DynamicThreshold(double quantile, double largest) implements Limit {
    public DynamicThreshold {
      if (!(quantile >= 0 && quantile <= 1)) {
        throw new IllegalArgumentException("quantile must be in [0, 1], is " + quantile);
      }
      if (!(largest > 0)) {
        throw new IllegalArgumentException("largest threshold must be positive, is " + largest);
      }
    }
  }
}
