package io.diffuse4j.core.noise;

/**
 * Where a request's noise comes from. Every image has a stream of its own, by its own seed, so that
 * it does not depend on the images made beside it.
 */
public interface NoiseSource {
  /**
   * The stream of one image.
   *
   * @param index of the image in its request
   * @param seed of the image: the request's, plus the index
   * @param channels of its latents
   * @param pixels height times width of its latents
   * @throws IllegalArgumentException if this source cannot give noise of this size
   */
  ImageNoise image(int index, long seed, int channels, int pixels);
}
