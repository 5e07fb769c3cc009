package io.diffuse4j.cli.png;

/** Pixels of 8-bit samples, in an array that is not copied. */
public final class Raster {
  private final int height;
  private final int width;
  private final int channels;
  private final byte[] samples;

  /**
   * Pixels of a size.
   *
   * @param height in pixels
   * @param width in pixels
   * @param channels samples a pixel: 1 is grey, 3 red, green and blue
   * @param samples row-major, the channels of a pixel side by side
   * @throws IllegalArgumentException if there are more or fewer samples than that takes
   */
  public Raster(int height, int width, int channels, byte[] samples) {
    if (height < 0 || width < 0 || samples.length != (long) height * width * channels) {
      throw new IllegalArgumentException(
          samples.length + " samples are no " + height + "x" + width + "x" + channels + " pixels");
    }
    this.height = height;
    this.width = width;
    this.channels = channels;
    this.samples = samples;
  }

  int height() {
    return height;
  }

  int width() {
    return width;
  }

  int channels() {
    return channels;
  }

  byte[] samples() {
    return samples;
  }
}
