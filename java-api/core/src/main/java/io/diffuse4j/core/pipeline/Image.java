package io.diffuse4j.core.pipeline;

/** An image of 8-bit samples. Immutable. */
public final class Image {
  private final int height;
  private final int width;
  private final int channels;
  private final byte[] pixels;

  private Image(int height, int width, int channels, byte[] pixels) {
    this.height = height;
    this.width = width;
    this.channels = channels;
    this.pixels = pixels;
  }

  /** From samples in [-1, 1], NHWC, beginning at {@code from}; what lies outside is clamped. */
  static Image fromSamples(float[] samples, int from, int height, int width, int channels) {
    byte[] pixels = new byte[height * width * channels];
    for (int i = 0; i < pixels.length; i++) {
      float unit = Math.min(1f, Math.max(0f, samples[from + i] / 2f + 0.5f));
      // rint: ties to even, as the frameworks that made the published images round.
      pixels[i] = (byte) Math.rint(unit * 255f);
    }
    return new Image(height, width, channels, pixels);
  }

  /** In pixels. */
  public int height() {
    return height;
  }

  /** In pixels. */
  public int width() {
    return width;
  }

  /** Samples a pixel: 1 is grey, 3 red, green and blue. */
  public int channels() {
    return channels;
  }

  /** A copy of the samples: row-major, the channels of a pixel side by side. */
  public byte[] pixels() {
    return pixels.clone();
  }
}
