package io.diffuse4j.core.pipeline;

/**
 * Sees the intermediates of a run, in published layout, in order. Arrays are the listener's to
 * keep. Called on the requesting thread, once for each batch that the images are split into.
 */
public interface SamplingTrace {
  /**
   * The noise that the run starts from.
   *
   * @param firstImage index of the batch's first image in the request
   * @param noise unit variance, [n, c, h, w]
   */
  void initialNoise(int firstImage, float[] noise, long[] shape);

  /** What the network call {@code call} drew; unit variance, [n, c, h, w]. */
  void noise(int firstImage, int call, float[] noise, long[] shape);

  /** The latents after the network call {@code call}, [n, c, h, w]. */
  void latents(int firstImage, int call, float[] latents, long[] shape);

  /** The timestep of each network call; of the first image, where steps are adaptive. */
  void timesteps(double[] timesteps);
}
