package io.diffuse4j.core.noise;

/**
 * The noise of one image, NCHW, of unit variance. Sources that reproduce a sequence must be asked
 * in its order: the initial noise, then each drawing call once. Not for several threads at once.
 */
public interface ImageNoise {
  /** Fills {@code nchw} with the initial noise. */
  void initial(float[] nchw);

  /** Fills {@code nchw} with what network call {@code call} draws. */
  void draw(int call, float[] nchw);

  /** Whether the sampler's kernel makes the same noise itself, from the image's seed. */
  default boolean generatedOnDevice() {
    return false;
  }
}
