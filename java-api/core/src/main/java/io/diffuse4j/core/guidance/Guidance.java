package io.diffuse4j.core.guidance;

/**
 * Classifier-free guidance (Ho and Salimans, 2022): the network is asked with and without the
 * condition, and u + scale (c - u) is used. A scale of 1 is the plain condition and costs one
 * network call a step, any other two (in one batch).
 *
 * @param scale any finite number; 0 is unconditional
 * @param rescale how far the guided output's standard deviation is pulled back to the conditional
 *     one's, 0 to 1 (Lin et al., 2024, section 3.4)
 */
public record Guidance(float scale, float rescale) {
  /** The condition as it is. */
  public static final Guidance NONE = new Guidance(1f, 0f);

  public Guidance {
    if (!Float.isFinite(scale)) {
      throw new IllegalArgumentException("guidance scale is " + scale + "; it must be finite");
    }
    if (!(rescale >= 0 && rescale <= 1)) {
      throw new IllegalArgumentException("guidance rescale is " + rescale + "; it must be 0 to 1");
    }
  }

  public static Guidance scale(float scale) {
    return new Guidance(scale, 0f);
  }

  /** Whether the unconditional half of the batch is needed. */
  public boolean isActive() {
    return scale != 1f;
  }
}
