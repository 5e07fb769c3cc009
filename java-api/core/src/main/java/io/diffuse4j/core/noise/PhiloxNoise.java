package io.diffuse4j.core.noise;

import io.diffuse4j.core.sampler.CpuNoise;

/**
 * The project's own noise: Philox 4x32-10 keyed by the image's seed and counted by (element, call),
 * then Box-Muller. The sampler's kernel makes it as it goes; this is the same, for whoever wants to
 * see it.
 */
public final class PhiloxNoise implements NoiseSource {
  /** Has no settings: an image's seed is all it takes. */
  public PhiloxNoise() {}

  @Override
  public ImageNoise image(int index, long seed, int channels, int pixels) {
    return new ImageNoise() {
      @Override
      public void initial(float[] nchw) {
        CpuNoise.initial(seed, channels, pixels, nchw);
      }

      @Override
      public void draw(int call, float[] nchw) {
        CpuNoise.draw(seed, call, channels, pixels, nchw);
      }

      @Override
      public boolean generatedOnDevice() {
        return true;
      }
    };
  }
}
