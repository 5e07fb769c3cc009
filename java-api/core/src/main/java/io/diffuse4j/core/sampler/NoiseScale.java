package io.diffuse4j.core.sampler;

/** What the noise of a row is scaled by, beside its weights. */
public sealed interface NoiseScale {
  NoiseScale ONE = new One();

  /** The weights alone. */
  record One() implements NoiseScale {}

  /** sqrt(v), with v the second half of the network's output channels, negative ones taken as 0. */
  record LearnedVariance() implements NoiseScale {}

  /**
   * Interpolated log variance (arXiv 2102.09672, equation 15): with f = (v + 1) / 2, the standard
   * deviation is exp((f max + (1 - f) min) / 2).
   */
  record LearnedRange(double minLogVariance, double maxLogVariance) implements NoiseScale {}
}
