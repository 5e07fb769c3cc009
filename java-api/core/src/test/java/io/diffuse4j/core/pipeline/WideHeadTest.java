package io.diffuse4j.core.pipeline;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.diffuse4j.core.Golden;
import io.diffuse4j.core.VirtualTestDevice;
import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.model.UNet;
import io.diffuse4j.core.op.ElementType;
import io.diffuse4j.weights.HostTensor;
import io.diffuse4j.weights.ModuleFolder;
import io.diffuse4j.weights.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Heads wider than the tensor-core kernels take: the published DDPMs of 256x256 pixels have one of
 * 512 columns.
 */
class WideHeadTest {
  private static final Path NARROW = Golden.folder("modules", "unet2d-unconditional");

  @TempDir Path folder;

  @Test
  void oneHeadOverAllChannelsGivesTheSameNumbersOnTheVirtualGpu() throws IOException {
    writeModule();
    Map<String, HostTensor> inputs = Golden.tensors(NARROW.resolve("io.safetensors"), "in.");
    float[] expected;
    try (Device cpu = Device.cpu()) {
      expected = run(cpu, DType.F32, inputs);
    }
    try (VirtualTestDevice gpu = VirtualTestDevice.checked()) {
      check(expected, run(gpu.device(), DType.F32, inputs), 1e-5);
      check(expected, run(gpu.device(), DType.F16, inputs), 5e-3);
    }
  }

  private static void check(float[] expected, float[] actual, double tolerance) {
    double error = Golden.error(actual, expected);
    assertTrue(error <= tolerance, "error " + error);
  }

  private float[] run(Device device, DType dtype, Map<String, HostTensor> inputs) {
    try (UNetModule module = UNetModule.load(device, folder, dtype, w -> fail(w))) {
      return module.run(inputs).get("sample").toFloats();
    }
  }

  /** A golden U-Net's configuration, smaller, with one head of 288 columns; random weights. */
  private void writeModule() throws IOException {
    String config =
        Files.readString(NARROW.resolve("config.json"))
            .replaceFirst("\"attention_head_dim\": 8", "\"attention_head_dim\": null")
            .replaceFirst("(\"block_out_channels\": \\[\\s*16,\\s*)32", "$1288")
            .replaceFirst("\"layers_per_block\": 2", "\"layers_per_block\": 1");
    Files.writeString(folder.resolve("config.json"), config);
    UNet network = UNetModule.network(ModuleFolder.open(folder), w -> fail(w));
    Random random = new Random(4);
    List<HostTensor> tensors = new ArrayList<>();
    network
        .graph(new UNet.Shape(1, 16, 16, 0), ElementType.F32)
        .publishedShapes()
        .forEach((name, shape) -> tensors.add(weight(random, name, shape)));
    SafetensorsWriter.write(folder.resolve("diffusion_pytorch_model.safetensors"), tensors);
  }

  private static HostTensor weight(Random random, String name, long[] shape) {
    int count = 1;
    for (long size : shape) {
      count *= (int) size;
    }
    double spread = shape.length == 1 ? 0.1 : 1 / Math.sqrt((double) count / shape[0]);
    boolean scale = name.contains("norm") && name.endsWith("weight");
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) ((scale ? 1 : 0) + spread * random.nextGaussian());
    }
    return HostTensor.of(name, values, shape);
  }
}
