package io.diffuse4j.core.pipeline;

import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.model.UNet;
import io.diffuse4j.core.op.ElementType;
import io.diffuse4j.core.op.Graph;
import io.diffuse4j.core.op.OpProvider;
import io.diffuse4j.weights.ImageSize;
import io.diffuse4j.weights.InvalidModelException;
import io.diffuse4j.weights.ModuleFolder;

/**
 * What a U-Net will take on a device, known from its configuration alone.
 *
 * @param weightBytes of the packed weights, once for all plans
 * @param planBytes of the plan for the batch: activations and scratch
 */
public record PlannedMemory(long weightBytes, long planBytes) {
  /** Tokens of a text encoder's output, for networks that attend to one. */
  private static final int TEXT_TOKENS = 77;

  /** For networks that do not say what they were trained on, in multiples of the least size. */
  private static final int DEFAULT_MULTIPLES = 8;

  /**
   * Plans the U-Net of a folder for samples of the size that it was trained on; reads no weights
   * and allocates nothing on the device.
   *
   * @param batch samples in a call, 1 or more
   * @throws InvalidModelException if the configuration is not of a U-Net that we compute
   */
  public static PlannedMemory of(Device device, ModuleFolder module, DType dtype, int batch) {
    if (batch < 1) {
      throw new IllegalArgumentException("batch is " + batch + "; it must be at least 1");
    }
    UNet network = UNetModule.network(module, warning -> {});
    int least = DEFAULT_MULTIPLES * network.sizeMultiple();
    ImageSize size = network.sampleSize().orElse(new ImageSize(least, least));
    Graph graph =
        network.graph(
            new UNet.Shape(batch, size.height(), size.width(), TEXT_TOKENS), ElementType.of(dtype));
    OpProvider provider = (OpProvider) device;
    return new PlannedMemory(provider.weightBytes(graph), provider.planBytes(graph));
  }
}
