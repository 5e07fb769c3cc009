package io.diffuse4j.core.sampler;

import java.util.ArrayList;
import java.util.List;

/**
 * Drives the device's sampler with recorded network outputs and noise instead of a network: the
 * check that a table does what the reference scheduler did. The sample carried from call to call is
 * the sampler's own. Images are NCHW.
 */
public final class SamplerReplay implements AutoCloseable {
  private static final int STATE = 5; // latents, saved, three conversions

  private final CoefficientTable table;
  private final SamplerShape shape;
  private final CpuSamplerStep step;
  private final OffHeap rows;
  private final OffHeap state;
  private final OffHeap outputs;
  private final OffHeap noise;

  /**
   * A replay of all calls of a table.
   *
   * @param samples the batch
   * @param channels of the latents
   * @param pixels height times width
   * @param outputChannels of the recorded outputs
   * @param initial [samples][channels][pixels], scaled by the initial noise sigma already
   */
  public SamplerReplay(
      CoefficientTable table,
      int samples,
      int channels,
      int pixels,
      int outputChannels,
      float[] initial) {
    this.table = table;
    SamplerShape plain = SamplerShape.of(samples, channels, pixels);
    shape =
        new SamplerShape(
            samples,
            channels,
            pixels,
            channels,
            outputChannels,
            plain.inputType(),
            plain.outputType());
    requireLength("initial", initial, samples * shape.elements());
    int[] packed = table.pack();
    List<OffHeap> opened = new ArrayList<>();
    try {
      rows = open(opened, packed.length);
      state = open(opened, (long) STATE * samples * shape.elements());
      outputs = open(opened, (long) samples * outputChannels * pixels);
      noise = open(opened, (long) samples * shape.elements());
      step = new CpuSamplerStep(shape);
    } catch (RuntimeException | Error e) {
      opened.forEach(OffHeap::close);
      throw e;
    }
    rows.buffer().asIntBuffer().put(packed);
    for (int s = 0; s < samples; s++) {
      long bytes = 4L * shape.elements();
      long latents = state.address() + (long) s * STATE * bytes;
      step.table(s, rows.address(), table.calls());
      step.state(s, latents, latents + bytes, latents + 2 * bytes);
      step.output(s, outputs.address() + 4L * s * outputChannels * pixels, 0);
      toNhwc(initial, s, channels, state, s * STATE * shape.elements());
    }
  }

  private static OffHeap open(List<OffHeap> opened, long words) {
    if (words > (Integer.MAX_VALUE - 64) / 4) {
      throw new IllegalArgumentException("a replay of " + words + " numbers is too large");
    }
    OffHeap block = new OffHeap((int) words * 4);
    opened.add(block);
    return block;
  }

  /**
   * Carries out network call {@code call}.
   *
   * @param output what the network gave, [samples][outputChannels][pixels]
   * @param drawn the noise of this call, [samples][channels][pixels]; null if it draws none
   * @return the latents after it, [samples][channels][pixels]
   * @throws IllegalArgumentException if noise is missing, or an array is of the wrong length
   */
  public float[] step(int call, float[] output, float[] drawn) {
    requireLength(
        "model output", output, shape.samples() * shape.outputChannels() * shape.pixels());
    if (table.drawsNoise(call)) {
      if (drawn == null) {
        throw new IllegalArgumentException("call " + call + " draws noise, and none is recorded");
      }
      requireLength("noise", drawn, shape.samples() * shape.elements());
      noise.buffer().asFloatBuffer().put(drawn);
    }
    for (int s = 0; s < shape.samples(); s++) {
      int outputElements = shape.outputChannels() * shape.pixels();
      toNhwc(output, s, shape.outputChannels(), outputs, s * outputElements);
      step.row(s, call);
      step.noise(s, noise.address() + 4L * s * shape.elements());
    }
    step.step();
    return latents();
  }

  private float[] latents() {
    float[] nchw = new float[shape.samples() * shape.elements()];
    for (int s = 0; s < shape.samples(); s++) {
      for (int c = 0; c < shape.channels(); c++) {
        for (int p = 0; p < shape.pixels(); p++) {
          int from = s * STATE * shape.elements() + p * shape.channels() + c;
          nchw[s * shape.elements() + c * shape.pixels() + p] = state.buffer().getFloat(4 * from);
        }
      }
    }
    return nchw;
  }

  private void toNhwc(float[] nchw, int sample, int channels, OffHeap to, int at) {
    int pixels = shape.pixels();
    for (int c = 0; c < channels; c++) {
      for (int p = 0; p < pixels; p++) {
        float value = nchw[(sample * channels + c) * pixels + p];
        to.buffer().putFloat(4 * (at + p * channels + c), value);
      }
    }
  }

  private static void requireLength(String name, float[] values, int expected) {
    if (values.length != expected) {
      throw new IllegalArgumentException(
          name + " has " + values.length + " elements, expected " + expected);
    }
  }

  @Override
  public void close() {
    step.close();
    rows.close();
    state.close();
    outputs.close();
    noise.close();
  }
}
