package io.diffuse4j.core.sampler;

import io.diffuse4j.core.device.DType;
import java.nio.ByteBuffer;

/**
 * A batch on the CPU sampler for tests: NCHW arrays outside, NHWC buffers inside, everything that a
 * step should write poisoned with NaN first.
 */
final class DeviceBatch implements AutoCloseable {
  private final SamplerShape shape;
  private final CpuSamplerStep step;
  private final OffHeap[] tables;
  private final OffHeap[] states;
  private final OffHeap[] inputs;
  private final OffHeap[] outputs;
  private final OffHeap[] noises;

  DeviceBatch(SamplerShape shape, CpuSamplerStep.InstructionSet instructions) {
    this.shape = shape;
    step = new CpuSamplerStep(shape, instructions);
    int n = shape.samples();
    tables = new OffHeap[n];
    states = poisoned(n, 5 * shape.elements());
    inputs = poisoned(n, 2 * (shape.inputChannels() * shape.pixels() + 1));
    outputs = poisoned(n, 2 * shape.outputChannels() * shape.pixels());
    noises = poisoned(n, shape.elements());
    for (int s = 0; s < n; s++) {
      long state = states[s].address();
      long bytes = shape.elements() * 4L;
      step.state(s, state, state + bytes, state + 2 * bytes);
      long input = inputs[s].address();
      long half = 4L * shape.inputChannels() * shape.pixels();
      step.input(s, input, input + 2 * half);
      step.unconditionalInput(s, input + half, input + 2 * half + 4);
    }
  }

  private static OffHeap[] poisoned(int n, int floats) {
    OffHeap[] blocks = new OffHeap[n];
    for (int s = 0; s < n; s++) {
      blocks[s] = new OffHeap(4 * floats);
      for (int i = 0; i < floats; i++) {
        blocks[s].buffer().putFloat(4 * i, Float.NaN);
      }
    }
    return blocks;
  }

  CpuSamplerStep step() {
    return step;
  }

  void table(int s, CoefficientTable table) {
    int[] words = table.pack();
    if (tables[s] != null) {
      tables[s].close();
    }
    tables[s] = new OffHeap(4 * words.length);
    tables[s].buffer().asIntBuffer().put(words);
    step.table(s, tables[s].address(), table);
  }

  void latents(int s, double[] nchw) {
    put(states[s].buffer(), nchw, shape.channels(), shape.channels(), DType.F32, 0);
  }

  double[] latents(int s) {
    return get(states[s].buffer(), shape.channels(), shape.channels(), DType.F32, 0);
  }

  double[] saved(int s) {
    return get(
        states[s].buffer(), shape.channels(), shape.channels(), DType.F32, 4 * shape.elements());
  }

  double[] input(int s, boolean unconditional) {
    int offset = unconditional ? 4 * shape.inputChannels() * shape.pixels() : 0;
    return get(
        inputs[s].buffer(), shape.channels(), shape.inputChannels(), shape.inputType(), offset);
  }

  double timestep(int s, boolean unconditional) {
    int at = 8 * shape.inputChannels() * shape.pixels() + (unconditional ? 4 : 0);
    return inputs[s].buffer().getFloat(at);
  }

  void output(int s, double[] conditional, double[] unconditional) {
    int channels = shape.outputChannels();
    int half = 4 * channels * shape.pixels();
    put(outputs[s].buffer(), conditional, channels, channels, shape.outputType(), 0);
    long address = outputs[s].address();
    if (unconditional != null) {
      put(outputs[s].buffer(), unconditional, channels, channels, shape.outputType(), half);
    }
    step.output(s, address, unconditional == null ? 0 : address + half);
  }

  void noise(int s, double[] nchw) {
    for (int i = 0; i < nchw.length; i++) {
      noises[s].buffer().putFloat(4 * i, (float) nchw[i]);
    }
    step.noise(s, noises[s].address(), 0);
  }

  private void put(
      ByteBuffer buffer, double[] nchw, int channels, int stride, DType type, int offset) {
    for (int c = 0; c < channels; c++) {
      for (int p = 0; p < shape.pixels(); p++) {
        float value = (float) nchw[c * shape.pixels() + p];
        int index = p * stride + c;
        if (type == DType.F32) {
          buffer.putFloat(offset + 4 * index, value);
        } else {
          // Exact for what the tests put in: values that bf16 holds.
          buffer.putShort(offset + 2 * index, (short) (Float.floatToRawIntBits(value) >>> 16));
        }
      }
    }
  }

  private double[] get(ByteBuffer buffer, int channels, int stride, DType type, int offset) {
    double[] nchw = new double[channels * shape.pixels()];
    for (int c = 0; c < channels; c++) {
      for (int p = 0; p < shape.pixels(); p++) {
        int index = p * stride + c;
        nchw[c * shape.pixels() + p] =
            type == DType.F32
                ? buffer.getFloat(offset + 4 * index)
                : Float.intBitsToFloat(buffer.getShort(offset + 2 * index) << 16);
      }
    }
    return nchw;
  }

  @Override
  public void close() {
    step.close();
    for (OffHeap[] blocks : new OffHeap[][] {tables, states, inputs, outputs, noises}) {
      for (OffHeap block : blocks) {
        if (block != null) {
          block.close();
        }
      }
    }
  }
}
