package io.diffuse4j.core.noise;

import io.diffuse4j.weights.HostTensor;
import io.diffuse4j.weights.InvalidModelException;
import io.diffuse4j.weights.TensorSource;
import java.util.Arrays;

/**
 * Noise from a file: {@code initial_noise} of unit variance and {@code noise.NNN} by network call,
 * all [images, channels, height, width].
 */
public final class GivenNoise implements NoiseSource {
  private final TensorSource file;
  private final long[] shape;

  /**
   * @param file stays open for as long as noise is asked for
   * @throws InvalidModelException if {@code initial_noise} is missing or has not four dimensions
   */
  public GivenNoise(TensorSource file) {
    this.file = file;
    shape = tensor("initial_noise").shape();
    if (shape.length != 4) {
      throw new InvalidModelException(
          file.origin()
              + ": tensor initial_noise must have the shape [images, channels, height, width]");
    }
  }

  private HostTensor tensor(String name) {
    if (!file.has(name)) {
      throw new InvalidModelException(file.origin() + ": tensor " + name + " is missing");
    }
    return file.get(name);
  }

  /** How many images the file has noise for. */
  public int images() {
    return (int) shape[0];
  }

  /** Of the latents. */
  public int channels() {
    return (int) shape[1];
  }

  /** Of the latents. */
  public int height() {
    return (int) shape[2];
  }

  /** Of the latents. */
  public int width() {
    return (int) shape[3];
  }

  @Override
  public ImageNoise image(int index, long seed, int channels, int pixels) {
    if (index < 0 || index >= images()) {
      throw new IllegalArgumentException(
          file.origin() + " has noise for " + images() + " images, not for image " + index);
    }
    if (channels != channels() || pixels != (long) height() * width()) {
      throw new IllegalArgumentException(
          String.format(
              "%s has noise of %d channels and %d x %d, the latents have %d channels and %d pixels",
              file.origin(), channels(), height(), width(), channels, pixels));
    }
    return new ImageNoise() {
      @Override
      public void initial(float[] nchw) {
        read("initial_noise", index, nchw);
      }

      @Override
      public void draw(int call, float[] nchw) {
        read(String.format("noise.%03d", call), index, nchw);
      }
    };
  }

  private void read(String name, int index, float[] to) {
    HostTensor tensor = tensor(name);
    if (!Arrays.equals(tensor.shape(), shape)) {
      throw new InvalidModelException(
          file.origin() + ": tensor " + name + " must have the shape of initial_noise");
    }
    System.arraycopy(tensor.toFloats(), index * to.length, to, 0, to.length);
    for (float value : to) {
      if (!Float.isFinite(value)) {
        throw new InvalidModelException(file.origin() + ": tensor " + name + " holds " + value);
      }
    }
  }
}
