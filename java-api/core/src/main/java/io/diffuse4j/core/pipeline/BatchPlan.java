package io.diffuse4j.core.pipeline;

import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.engine.NativeResource;
import io.diffuse4j.core.model.UNet;
import io.diffuse4j.core.op.DeviceBuffer;
import io.diffuse4j.core.op.Graph;
import io.diffuse4j.core.op.OpProvider;
import io.diffuse4j.core.op.Plan;
import io.diffuse4j.core.op.SamplingLoop;
import io.diffuse4j.core.op.Value;
import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.sampler.SamplerShape;
import io.diffuse4j.core.sampler.SamplerStep;
import java.util.List;

/**
 * The device side of sampling a batch of one size: the network's plan, the sampler step and the
 * latents, saved sample and history of each image. With guidance the network's batch is twice as
 * large: the conditional samples, then the unconditional ones.
 *
 * <p>{@link #loop} is the whole inner loop.
 */
final class BatchPlan implements AutoCloseable {
  /** Latents, the saved sample and three stored conversions. */
  private static final int STATES = 5;

  private final OpProvider provider;
  private final int samples;
  private final boolean guided;
  private final SamplerShape shape;
  private final Graph graph;
  private final Plan plan;
  private final SamplerStep step;
  private final DeviceBuffer state;
  private final SamplingLoop loop;
  private DeviceBuffer table;
  private DeviceBuffer noise;

  BatchPlan(UNetModule unet, SamplerOptions options, int samples, boolean guided) {
    this.provider = unet.provider();
    this.samples = samples;
    this.guided = guided;
    UNet network = unet.network();
    int calls = guided ? 2 * samples : samples;
    graph = unet.graph(new UNet.Shape(calls, options.height(), options.width(), 1));
    Value input = graph.input("sample");
    Value output = graph.output("sample");
    shape =
        new SamplerShape(
            samples,
            network.inChannels(),
            options.height() * options.width(),
            input.c(),
            output.c(),
            type(input),
            type(output));
    Plan compiled = null;
    SamplerStep stepper = null;
    DeviceBuffer memory = null;
    SamplingLoop joined = null;
    try {
      compiled = unet.compile(graph, options.batchInvariant());
      stepper = provider.samplerStep(shape);
      memory = provider.allocate("the latents", (long) samples * STATES * stateBytes());
      joined = provider.samplingLoop(compiled, stepper);
    } catch (Throwable t) {
      NativeResource.closeAll(memory, stepper, compiled);
      throw t;
    }
    plan = compiled;
    step = stepper;
    state = memory;
    loop = joined;
    bind(input, output);
  }

  private static DType type(Value value) {
    return switch (value.type()) {
      case F16 -> DType.F16;
      case BF16 -> DType.BF16;
      default -> DType.F32;
    };
  }

  private long stateBytes() {
    return (long) shape.elements() * Float.BYTES;
  }

  private void bind(Value input, Value output) {
    Value timestep = graph.input("timestep");
    for (int i = 0; i < samples; i++) {
      long latents = latents(i);
      step.state(i, latents, latents + stateBytes(), latents + 2 * stateBytes());
      step.input(i, at(input, i), at(timestep, i));
      if (guided) {
        step.unconditionalInput(i, at(input, samples + i), at(timestep, samples + i));
        step.output(i, at(output, i), at(output, samples + i));
      } else {
        step.unconditionalInput(i, 0, 0);
        step.output(i, at(output, i), 0);
      }
    }
  }

  /** Device address of sample {@code index} of an input or output of the network. */
  private long at(Value value, int index) {
    return plan.address(value)
        + (long) index * value.tokens() * value.rowStride() * value.type().bytes();
  }

  long latents(int sample) {
    return state.address() + (long) sample * STATES * stateBytes();
  }

  SamplerShape shape() {
    return shape;
  }

  SamplerStep step() {
    return step;
  }

  SamplingLoop loop() {
    return loop;
  }

  int samples() {
    return samples;
  }

  long bytes() {
    return plan.bytes() + state.bytes();
  }

  long saved(int sample) {
    return latents(sample) + stateBytes();
  }

  /** Uploads the rows, which every sample of the batch shares. */
  void table(CoefficientTable rows) {
    int[] packed = rows.pack();
    reserveTable((long) packed.length * Integer.BYTES);
    table.upload(0, packed, 0, packed.length);
    for (int i = 0; i < samples; i++) {
      step.table(i, table.address(), rows);
      step.row(i, 0);
    }
  }

  /** Uploads the rows of each sample. */
  void tables(List<CoefficientTable> each) {
    long bytes = 0;
    for (CoefficientTable rows : each) {
      bytes += (long) rows.calls() * CoefficientTable.ROW_BYTES;
    }
    reserveTable(bytes);
    long offset = 0;
    for (int i = 0; i < samples; i++) {
      int[] packed = each.get(i).pack();
      table.upload(offset, packed, 0, packed.length);
      step.table(i, table.address() + offset, each.get(i));
      step.row(i, 0);
      offset += (long) packed.length * Integer.BYTES;
    }
  }

  private void reserveTable(long bytes) {
    if (table == null || table.bytes() < bytes) {
      if (table != null) {
        table.close();
        table = null;
      }
      table = provider.allocate("the coefficient table", bytes);
    }
  }

  /** Room for noise that is given, not generated: of every sample for each of the rows. */
  void reserveNoise(int rows) {
    long bytes = (long) rows * samples * stateBytes();
    if (noise == null || noise.bytes() < bytes) {
      if (noise != null) {
        noise.close();
        noise = null;
      }
      noise = provider.allocate("the given noise", bytes);
    }
    for (int i = 0; i < samples; i++) {
      step.noise(i, noise.address() + noiseOffset(0, i), (long) samples * shape.elements());
    }
  }

  /** Writes what {@code sample} draws in {@code row}, in NCHW order. */
  void noise(int row, int sample, float[] values) {
    noise.upload(noiseOffset(row, sample), values, 0, values.length);
  }

  /** Makes the sampler's kernel generate what the rows draw. */
  void generateNoise() {
    for (int i = 0; i < samples; i++) {
      step.noise(i, 0, 0);
    }
  }

  private long noiseOffset(int row, int sample) {
    return ((long) row * samples + sample) * stateBytes();
  }

  /** Writes the label of each sample, and {@code nullLabel} for the unconditional half. */
  void labels(int[] labels, int nullLabel) {
    int[] all = new int[guided ? 2 * samples : samples];
    for (int i = 0; i < samples; i++) {
      all[i] = labels[i];
      if (guided) {
        all[samples + i] = nullLabel;
      }
    }
    plan.arena().upload(plan.offset(graph.input("class_labels")), all, 0, all.length);
  }

  boolean takesLabels() {
    return graph.inputs().containsKey("class_labels");
  }

  /** Writes the latents of a sample, NHWC, from {@code values} on. */
  void uploadLatents(int sample, float[] values, int from) {
    state.upload((long) sample * STATES * stateBytes(), values, from, shape.elements());
  }

  /** Reads the latents of every sample, NHWC. */
  float[] downloadLatents() {
    float[] all = new float[samples * shape.elements()];
    for (int i = 0; i < samples; i++) {
      state.download((long) i * STATES * stateBytes(), all, i * shape.elements(), shape.elements());
    }
    return all;
  }

  @Override
  public void close() {
    NativeResource.closeAll(loop, noise, table, state, step, plan);
  }
}
