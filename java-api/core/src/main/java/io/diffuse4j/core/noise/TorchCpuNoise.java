package io.diffuse4j.core.noise;

/**
 * The numbers of {@code torch.randn} on the CPU, one generator an image: MT19937 seeded with the
 * low 32 bits of the seed. To float32 rounding: PyTorch's own vectorised logarithm and cosine
 * differ in the last bit between CPUs.
 *
 * <p>Tensors of 16 elements and more are made in groups of 16 from 24-bit uniforms, u in the first
 * half and v in the second: sqrt(-2 log(1 - u)) times cos(2 pi v) and sin(2 pi v). If the length is
 * no multiple of 16, the last 16 elements are then made anew from further draws. Smaller tensors
 * take pairs of 53-bit uniforms, and the second normal of a pair waits for the next small tensor.
 */
public final class TorchCpuNoise implements NoiseSource {
  private static final int GROUP = 16;
  private static final int HALF = GROUP / 2;

  /** Has no settings: an image's seed is all it takes. */
  public TorchCpuNoise() {}

  @Override
  public ImageNoise image(int index, long seed, int channels, int pixels) {
    return new Generator(seed);
  }

  private static final class Generator implements ImageNoise {
    private final MersenneTwister twister;
    private boolean waiting;
    private double second;

    Generator(long seed) {
      twister = new MersenneTwister((int) seed);
    }

    @Override
    public void initial(float[] nchw) {
      randn(nchw);
    }

    @Override
    public void draw(int call, float[] nchw) {
      randn(nchw);
    }

    private void randn(float[] to) {
      if (to.length < GROUP) {
        for (int i = 0; i < to.length; i++) {
          to[i] = (float) single();
        }
        return;
      }
      for (int i = 0; i < to.length; i++) {
        to[i] = uniform();
      }
      for (int i = 0; i + GROUP <= to.length; i += GROUP) {
        group(to, i);
      }
      if (to.length % GROUP != 0) {
        int last = to.length - GROUP;
        for (int i = last; i < to.length; i++) {
          to[i] = uniform();
        }
        group(to, last);
      }
    }

    private float uniform() {
      return (twister.nextInt() & 0xffffff) * 0x1p-24f;
    }

    private static void group(float[] to, int at) {
      for (int i = at; i < at + HALF; i++) {
        double radius = Math.sqrt(-2 * Math.log(1 - to[i]));
        double angle = 2 * Math.PI * to[i + HALF];
        to[i] = (float) (radius * Math.cos(angle));
        to[i + HALF] = (float) (radius * Math.sin(angle));
      }
    }

    private double single() {
      if (waiting) {
        waiting = false;
        return second;
      }
      double angle = 2 * Math.PI * uniform53();
      double radius = Math.sqrt(-2 * Math.log1p(-uniform53()));
      second = radius * Math.sin(angle);
      waiting = true;
      return radius * Math.cos(angle);
    }

    private double uniform53() {
      return (twister.nextLong() & ((1L << 53) - 1)) * 0x1p-53;
    }
  }
}
