package io.diffuse4j.cli;

import io.diffuse4j.core.pipeline.Image;
import io.diffuse4j.core.pipeline.SamplingTrace;
import io.diffuse4j.weights.HostTensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What {@code --dump} writes: the noise that was drawn, the latents after every network call, and
 * the image. Batches of a request are put together again.
 */
final class SamplingDump implements SamplingTrace {
  private final int images;
  private final Map<String, float[]> gathered = new LinkedHashMap<>();

  /** Of every tensor but timesteps and image. */
  private long[] shape = {};

  private double[] timesteps = {};

  /**
   * @param images how many the request has
   */
  SamplingDump(int images) {
    this.images = images;
  }

  @Override
  public void initialNoise(int firstImage, float[] noise, long[] shape) {
    gather("initial_noise", firstImage, noise, shape);
  }

  @Override
  public void noise(int firstImage, int call, float[] noise, long[] shape) {
    gather(numbered("noise", call), firstImage, noise, shape);
  }

  @Override
  public void latents(int firstImage, int call, float[] latents, long[] shape) {
    gather(numbered("latents", call), firstImage, latents, shape);
  }

  @Override
  public void timesteps(double[] values) {
    timesteps = values.clone();
  }

  /** The name of a network call's tensor. */
  static String numbered(String name, int call) {
    return String.format(Locale.ROOT, "%s.%03d", name, call);
  }

  private void gather(String name, int firstImage, float[] values, long[] batchShape) {
    int each = values.length / Math.toIntExact(batchShape[0]);
    float[] all =
        gathered.computeIfAbsent(name, key -> new float[Math.multiplyExact(each, images)]);
    System.arraycopy(values, 0, all, firstImage * each, values.length);
    shape = batchShape.clone();
    shape[0] = images;
  }

  /** All that was gathered, and the images themselves, U8 [n, c, h, w]. */
  List<HostTensor> tensors(List<Image> results) {
    List<HostTensor> tensors = new ArrayList<>();
    gathered.forEach((name, values) -> tensors.add(HostTensor.of(name, values, shape)));
    float[] steps = new float[timesteps.length];
    for (int i = 0; i < steps.length; i++) {
      steps[i] = (float) timesteps[i];
    }
    tensors.add(HostTensor.of("timesteps", steps, steps.length));
    tensors.add(image(results));
    return tensors;
  }

  private static HostTensor image(List<Image> results) {
    Image first = results.get(0);
    int area = first.height() * first.width();
    int each = area * first.channels();
    byte[] planes = new byte[Math.multiplyExact(results.size(), each)];
    int at = 0;
    for (Image image : results) {
      byte[] pixels = image.pixels();
      for (int c = 0; c < first.channels(); c++) {
        for (int p = 0; p < area; p++) {
          planes[at++] = pixels[p * first.channels() + c];
        }
      }
    }
    return HostTensor.of(
        "image", planes, results.size(), first.channels(), first.height(), first.width());
  }
}
