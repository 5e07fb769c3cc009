package io.diffuse4j.benchmarks;

import io.diffuse4j.core.cuda.CudaDevice;
import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.engine.NativeResource;
import io.diffuse4j.core.model.UNet;
import io.diffuse4j.core.model.UNet2DCondition;
import io.diffuse4j.core.op.ElementType;
import io.diffuse4j.core.op.Graph;
import io.diffuse4j.core.op.PackedWeights;
import io.diffuse4j.core.op.Plan;
import io.diffuse4j.weights.HostTensor;
import io.diffuse4j.weights.ModelConfig;
import io.diffuse4j.weights.TensorSource;
import io.diffuse4j.weights.UNet2DConditionConfig;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;

/**
 * The U-Net of Stable Diffusion 1.5 on a device, for 64x64 latents, batch 2 and 77 tokens. Its
 * weights and inputs are made up: how long kernels take does not depend on the numbers.
 */
final class StableDiffusionUNet implements AutoCloseable {
  /** The fields in which the published configuration differs from diffusers' defaults. */
  private static final String CONFIG =
      """
      {"_class_name": "UNet2DConditionModel", "sample_size": 64, "cross_attention_dim": 768,
       "attention_head_dim": 8}
      """;

  /** Height and width of those of an image of 512x512. */
  static final int LATENTS = 64;

  private final PackedWeights weights;
  private final Plan plan;

  StableDiffusionUNet(CudaDevice device, DType dtype) {
    this(device, dtype, LATENTS);
  }

  /**
   * For latents of another size.
   *
   * @param latents height and width, a multiple of 8
   */
  StableDiffusionUNet(CudaDevice device, DType dtype, int latents) {
    UNet network =
        new UNet2DCondition(
            UNet2DConditionConfig.from(ModelConfig.parse("config.json", CONFIG), w -> {}));
    ElementType type = ElementType.of(dtype);
    Graph load = network.graph(new UNet.Shape(1, 16, 16, 2), type);
    Graph graph = network.graph(new UNet.Shape(2, latents, latents, 77), type);
    try (TensorSource source = new RandomTensors(load.publishedShapes())) {
      weights = device.load(load, dtype, source);
    }
    try {
      plan = device.compile(graph, weights, false);
      fill(graph);
    } catch (Throwable t) {
      weights.close();
      throw t;
    }
  }

  private void fill(Graph graph) {
    graph
        .inputs()
        .values()
        .forEach(
            value -> {
              // 0.5 in f16, twice in a word; a small number in f32 and bf16.
              int[] numbers = new int[Math.toIntExact(value.bytes() / Integer.BYTES)];
              Arrays.fill(numbers, 0x38003800);
              plan.arena().upload(plan.offset(value), numbers, 0, numbers.length);
            });
  }

  Plan plan() {
    return plan;
  }

  @Override
  public void close() {
    NativeResource.closeAll(plan, weights);
  }

  /** Small numbers for every tensor of a network, made when they are asked for. */
  private record RandomTensors(Map<String, long[]> shapes) implements TensorSource {
    @Override
    public Set<String> names() {
      return shapes.keySet();
    }

    @Override
    public boolean has(String name) {
      return shapes.containsKey(name);
    }

    @Override
    public HostTensor get(String name) {
      long[] shape = shapes.get(name);
      int count = 1;
      for (long dimension : shape) {
        count = Math.multiplyExact(count, Math.toIntExact(dimension));
      }
      float[] values = new float[count];
      int state = name.hashCode() | 1;
      for (int i = 0; i < count; i++) {
        state = state * 1664525 + 1013904223;
        values[i] = (state >> 8) * 0x1p-28f;
      }
      return HostTensor.of(name, values, shape);
    }

    @Override
    public String origin() {
      return "random weights";
    }

    @Override
    public void close() {}
  }
}
