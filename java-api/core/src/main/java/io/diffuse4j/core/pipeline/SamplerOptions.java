package io.diffuse4j.core.pipeline;

/**
 * What a sampler is made for.
 *
 * @param height of the images in pixels
 * @param width of the images in pixels
 * @param batch the most images in one network call, 1 to 1024; longer requests are split
 * @param batchInvariant no bit of an image depends on what else is in its batch; slower
 */
public record SamplerOptions(int height, int width, int batch, boolean batchInvariant) {
  private static final int DEFAULT_BATCH = 10;
  private static final int MAX_BATCH = 1024;

  public SamplerOptions {
    if (batch < 1 || batch > MAX_BATCH) {
      throw new IllegalArgumentException("batch is " + batch + "; it must be 1 to " + MAX_BATCH);
    }
  }

  public static SamplerOptions of(int height, int width) {
    return new SamplerOptions(height, width, DEFAULT_BATCH, false);
  }

  public SamplerOptions withBatch(int value) {
    return new SamplerOptions(height, width, value, batchInvariant);
  }

  public SamplerOptions withBatchInvariant(boolean value) {
    return new SamplerOptions(height, width, batch, value);
  }
}
