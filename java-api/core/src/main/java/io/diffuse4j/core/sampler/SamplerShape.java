package io.diffuse4j.core.sampler;

import io.diffuse4j.core.device.DType;

/**
 * What all samples of a sampler's batch share.
 *
 * @param samples the batch
 * @param channels of the latents
 * @param pixels height times width
 * @param inputChannels of the network; the latents are the first {@code channels} of them
 * @param outputChannels of the network; twice {@code channels} where it learned a variance
 * @param inputType of the network's input
 * @param outputType of the network's output
 */
public record SamplerShape(
    int samples,
    int channels,
    int pixels,
    int inputChannels,
    int outputChannels,
    DType inputType,
    DType outputType) {

  public SamplerShape {
    requirePositive("samples", samples);
    requirePositive("channels", channels);
    requirePositive("pixels", pixels);
    if ((long) channels * pixels > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          channels + " channels of " + pixels + " pixels are more than 2^31 - 1 elements");
    }
    if (inputChannels < channels || outputChannels < channels) {
      throw new IllegalArgumentException(
          String.format(
              "a network with %d input and %d output channels cannot sample latents of %d",
              inputChannels, outputChannels, channels));
    }
  }

  /** A network that takes and gives as many channels as the latents have, in float32. */
  public static SamplerShape of(int samples, int channels, int pixels) {
    return new SamplerShape(samples, channels, pixels, channels, channels, DType.F32, DType.F32);
  }

  private static void requirePositive(String name, int value) {
    if (value <= 0) {
      throw new IllegalArgumentException(name + " must be positive, is " + value);
    }
  }

  /** Elements of one sample's latents. */
  public int elements() {
    return channels * pixels;
  }
}
