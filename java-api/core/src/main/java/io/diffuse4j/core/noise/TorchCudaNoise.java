package io.diffuse4j.core.noise;

/**
 * The numbers of {@code torch.randn} on CUDA, one generator an image, to the GPU's rounding of
 * logarithm and sine.
 *
 * <p>PyTorch launches ceil(n / 256) blocks of 256 threads, at most as many as are resident on the
 * GPU at once; every thread has a cuRAND Philox 4x32-10 generator (key: seed; counter: number of
 * the launch, 0, thread, 0) whose four words become four normals, of which, while there is a thread
 * for every element, only the first is used: sqrt(-2 log u) sin(2 pi v). With more elements than
 * resident threads the result depends on the GPU, so larger images are refused.
 */
public final class TorchCudaNoise implements NoiseSource {
  /**
   * The resident threads of an RTX 4090: 128 multiprocessors of 1536, in blocks of 256. A100 and
   * H100 have more.
   */
  public static final int MAX_ELEMENTS = 128 * 1536;

  private static final double TWO_POW_MINUS_32 = 0x1p-32;

  /** Has no settings: an image's seed is all it takes. */
  public TorchCudaNoise() {}

  @Override
  public ImageNoise image(int index, long seed, int channels, int pixels) {
    if ((long) channels * pixels > MAX_ELEMENTS) {
      throw new IllegalArgumentException(
          String.format(
              "torch-cuda noise reproduces tensors of up to %d elements, not %d x %d; use philox",
              MAX_ELEMENTS, channels, pixels));
    }
    return new Generator(seed);
  }

  private static final class Generator implements ImageNoise {
    private final long seed;
    private int launches;

    Generator(long seed) {
      this.seed = seed;
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
      int[] words = new int[4];
      for (int thread = 0; thread < to.length; thread++) {
        words[0] = launches;
        words[1] = 0;
        words[2] = thread;
        words[3] = 0;
        Philox.block(seed, words);
        double u = ((words[0] & 0xffffffffL) + 0.5) * TWO_POW_MINUS_32;
        double v = ((words[1] & 0xffffffffL) + 0.5) * TWO_POW_MINUS_32;
        // In float32, as the GPU has it before the logarithm: it matters where u is close to 1.
        double radius = Math.sqrt(-2 * Math.log((float) u));
        to[thread] = (float) (radius * Math.sin(2 * Math.PI * v));
      }
      launches++;
    }
  }
}
