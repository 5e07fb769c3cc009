package io.diffuse4j.core.sampler;

import io.diffuse4j.core.op.NativeStatus;
import io.diffuse4j.natives.CpuSampler;

/** The noise that the sampler's kernel generates, NCHW, of unit variance. */
public final class CpuNoise {
  private static final int INITIAL = -1; // D4J_INITIAL_NOISE_STEP

  private CpuNoise() {}

  /** What the latents start from, before the table's scale. */
  public static void initial(long seed, int channels, int pixels, float[] nchw) {
    fill(seed, INITIAL, channels, pixels, nchw);
  }

  /** What row {@code call} draws. */
  public static void draw(long seed, int call, int channels, int pixels, float[] nchw) {
    fill(seed, call, channels, pixels, nchw);
  }

  private static void fill(long seed, int step, int channels, int pixels, float[] nchw) {
    if (nchw.length != Math.multiplyExact(channels, pixels)) {
      throw new IllegalArgumentException(
          String.format(
              "noise of %d channels of %d pixels does not fill %d elements",
              channels, pixels, nchw.length));
    }
    try (OffHeap noise = new OffHeap(4 * nchw.length)) {
      write(seed, step, channels, pixels, false, 1, noise.address());
      noise.buffer().asFloatBuffer().get(nchw);
    }
  }

  /** Writes scaled initial noise where latents are: NHWC, float32. */
  public static void writeInitial(long seed, int channels, int pixels, float scale, long latents) {
    write(seed, INITIAL, channels, pixels, true, scale, latents);
  }

  private static void write(
      long seed, int step, int channels, int pixels, boolean nhwc, float scale, long address) {
    NativeStatus.check(
        "d4j_sampler_noise",
        CpuSampler.d4j_sampler_noise(seed, step, channels, pixels, nhwc ? 1 : 0, scale, address));
  }
}
