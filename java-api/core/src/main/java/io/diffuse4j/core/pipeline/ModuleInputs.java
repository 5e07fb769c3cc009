package io.diffuse4j.core.pipeline;

import io.diffuse4j.core.model.UNet;
import io.diffuse4j.core.op.ElementType;
import io.diffuse4j.core.op.Layouts;
import io.diffuse4j.core.op.Plan;
import io.diffuse4j.core.op.Value;
import io.diffuse4j.weights.FloatConversions;
import io.diffuse4j.weights.HostTensor;
import java.util.Arrays;
import java.util.Map;

/** Named host tensors, checked and brought into the layout of a graph's inputs. */
final class ModuleInputs {
  private ModuleInputs() {}

  static HostTensor require(Map<String, HostTensor> inputs, String name) {
    HostTensor tensor = inputs.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException(
          "input '" + name + "' is missing; there are " + inputs.keySet());
    }
    return tensor;
  }

  static UNet.Shape shape(UNet network, Map<String, HostTensor> inputs, HostTensor sample) {
    long[] dims = sample.shape();
    if (dims.length != 4 || dims[1] != network.inChannels()) {
      throw new IllegalArgumentException(
          "sample is "
              + Arrays.toString(dims)
              + "; it must be [batch, "
              + network.inChannels()
              + ", height, width]");
    }
    int n = (int) dims[0];
    if (n < 1) {
      throw new IllegalArgumentException("sample has a batch of 0");
    }
    checkSize(network, "sample", (int) dims[2], (int) dims[3]);
    int tokens = 0;
    HostTensor context = inputs.get("encoder_hidden_states");
    if (context != null && context.shape().length == 3) {
      tokens = (int) context.shape()[1];
    }
    return new UNet.Shape(n, (int) dims[2], (int) dims[3], Math.max(1, tokens));
  }

  static void checkSize(UNet network, String what, int height, int width) {
    int multiple = network.sizeMultiple();
    if (height < multiple || width < multiple || height % multiple != 0 || width % multiple != 0) {
      throw new IllegalArgumentException(
          what
              + " is "
              + height
              + "x"
              + width
              + "; height and width must be positive multiples of "
              + multiple);
    }
  }

  /** The tensor for the graph input {@code value}, in device layout. */
  static float[] read(UNet network, String name, HostTensor tensor, Value value) {
    long[] expected = publishedShape(name, value);
    long[] shape = tensor.shape();
    if (name.equals("timestep") && shape.length == 0) {
      // PyTorch broadcasts a scalar timestep over the batch.
      float[] all = new float[value.n()];
      Arrays.fill(all, tensor.toFloats()[0]);
      return finite(name, all);
    }
    if (!Arrays.equals(shape, expected)) {
      throw new IllegalArgumentException(
          name + " is " + Arrays.toString(shape) + "; it must be " + Arrays.toString(expected));
    }
    float[] data = finite(name, tensor.toFloats());
    if (value.type() == ElementType.I32) {
      for (float label : data) {
        if (label < 0 || label >= network.classes() || label != (int) label) {
          throw new IllegalArgumentException(
              name + " holds " + label + "; labels are 0 to " + (network.classes() - 1));
        }
      }
    }
    return name.equals("sample")
        ? Layouts.nchwToNhwc(data, value.n(), value.h(), value.w(), value.c())
        : data;
  }

  private static float[] finite(String name, float[] data) {
    for (int i = 0; i < data.length; i++) {
      if (!Float.isFinite(data[i])) {
        throw new IllegalArgumentException(name + " holds " + data[i] + " at element " + i);
      }
    }
    return data;
  }

  private static long[] publishedShape(String name, Value value) {
    return switch (name) {
      case "sample" -> new long[] {value.n(), value.c(), value.h(), value.w()};
      case "encoder_hidden_states" -> new long[] {value.n(), value.h(), value.c()};
      default -> value.c() == 1 ? new long[] {value.n()} : new long[] {value.n(), value.c()};
    };
  }

  /** Converts to the input's type and writes it. */
  static void upload(Plan plan, Value value, float[] data) {
    long offset = plan.offset(value);
    switch (value.type()) {
      case F32 -> plan.arena().upload(offset, data, 0, data.length);
      case BF16 -> {
        short[] narrow = new short[data.length];
        FloatConversions.toBfloat16(data, 0, narrow, 0, data.length);
        plan.arena().upload(offset, narrow, 0, narrow.length);
      }
      case F16 -> {
        short[] narrow = new short[data.length];
        FloatConversions.toHalf(data, 0, narrow, 0, data.length);
        plan.arena().upload(offset, narrow, 0, narrow.length);
      }
      case I32 -> {
        int[] integers = new int[data.length];
        for (int i = 0; i < data.length; i++) {
          integers[i] = (int) data[i];
        }
        plan.arena().upload(offset, integers, 0, integers.length);
      }
    }
  }
}
