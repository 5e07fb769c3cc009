package io.diffuse4j.core.sampler;

import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.engine.NativeResource;
import io.diffuse4j.core.op.DeviceBuffer;
import io.diffuse4j.core.op.Layouts;
import io.diffuse4j.core.op.OpProvider;
import io.diffuse4j.core.op.SamplingLoop;

/**
 * Drives a device's sampler with recorded network outputs and noise instead of a network: the check
 * that a table does what the reference scheduler did. The sample carried from call to call is the
 * sampler's own. Images are NCHW. Calls are made in order; not for several threads at once.
 */
public final class SamplerReplay implements AutoCloseable {
  private static final int STATE = 5; // latents, saved, three conversions

  private final CoefficientTable table;
  private final SamplerShape shape;
  private final SamplerStep step;
  private final DeviceBuffer rows;
  private final DeviceBuffer state;
  private final DeviceBuffer outputs;
  private final DeviceBuffer noise;
  private final SamplingLoop loop;
  private int next;

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
      Device device,
      CoefficientTable table,
      int samples,
      int channels,
      int pixels,
      int outputChannels,
      float[] initial) {
    this.table = table;
    OpProvider provider = (OpProvider) device;
    shape =
        new SamplerShape(samples, channels, pixels, channels, outputChannels, DType.F32, DType.F32);
    requireLength("initial", initial, samples * shape.elements());
    int[] packed = table.pack();
    SamplerStep stepper = null;
    DeviceBuffer rowMemory = null;
    DeviceBuffer stateMemory = null;
    DeviceBuffer outputMemory = null;
    DeviceBuffer noiseMemory = null;
    try {
      stepper = provider.samplerStep(shape);
      rowMemory = provider.allocate("the coefficient table", 4L * packed.length);
      stateMemory = provider.allocate("the latents", 4L * STATE * samples * shape.elements());
      outputMemory =
          provider.allocate("the recorded outputs", 4L * samples * outputChannels * pixels);
      noiseMemory = provider.allocate("the recorded noise", 4L * samples * shape.elements());
      loop = provider.samplingLoop(null, stepper);
    } catch (Throwable t) {
      NativeResource.closeAll(noiseMemory, outputMemory, stateMemory, rowMemory, stepper);
      throw t;
    }
    step = stepper;
    rows = rowMemory;
    state = stateMemory;
    outputs = outputMemory;
    noise = noiseMemory;
    bind(packed, initial);
  }

  private void bind(int[] packed, float[] initial) {
    rows.upload(0, packed, 0, packed.length);
    long bytes = 4L * shape.elements();
    float[] nhwc = toNhwc(initial, shape.channels());
    for (int s = 0; s < shape.samples(); s++) {
      long latents = state.address() + (long) s * STATE * bytes;
      step.table(s, rows.address(), table);
      step.row(s, 0);
      step.state(s, latents, latents + bytes, latents + 2 * bytes);
      step.output(s, outputs.address() + 4L * s * shape.outputChannels() * shape.pixels(), 0);
      // Every row's noise is written to the same place before its call.
      step.noise(s, noise.address() + s * bytes, 0);
      state.upload((long) s * STATE * bytes, nhwc, s * shape.elements(), shape.elements());
    }
    loop.start();
  }

  /**
   * Carries out network call {@code call}: 0, then 1, and so on.
   *
   * @param output what the network gave, [samples][outputChannels][pixels]
   * @param drawn the noise of this call, [samples][channels][pixels]; null if it draws none
   * @return the latents after it, [samples][channels][pixels]
   * @throws IllegalArgumentException if noise is missing, an array is of the wrong length, or it is
   *     not this call's turn
   */
  public float[] step(int call, float[] output, float[] drawn) {
    if (call != next) {
      throw new IllegalArgumentException("call is " + call + "; the next one is " + next);
    }
    requireLength(
        "model output", output, shape.samples() * shape.outputChannels() * shape.pixels());
    if (table.drawsNoise(call)) {
      if (drawn == null) {
        throw new IllegalArgumentException("call " + call + " draws noise, and none is recorded");
      }
      requireLength("noise", drawn, shape.samples() * shape.elements());
      noise.upload(0, drawn, 0, drawn.length);
    }
    float[] nhwc = toNhwc(output, shape.outputChannels());
    outputs.upload(0, nhwc, 0, nhwc.length);
    loop.enqueue();
    loop.await(0);
    next++;
    return latents();
  }

  private float[] latents() {
    float[] nhwc = new float[shape.samples() * shape.elements()];
    for (int s = 0; s < shape.samples(); s++) {
      state.download(
          4L * s * STATE * shape.elements(), nhwc, s * shape.elements(), shape.elements());
    }
    return Layouts.nhwcToNchw(nhwc, shape.samples(), 1, shape.pixels(), shape.channels());
  }

  private float[] toNhwc(float[] nchw, int channels) {
    return Layouts.nchwToNhwc(nchw, shape.samples(), 1, shape.pixels(), channels);
  }

  private static void requireLength(String name, float[] values, int expected) {
    if (values.length != expected) {
      throw new IllegalArgumentException(
          name + " has " + values.length + " elements, expected " + expected);
    }
  }

  @Override
  public void close() {
    NativeResource.closeAll(loop, noise, outputs, state, rows, step);
  }
}
