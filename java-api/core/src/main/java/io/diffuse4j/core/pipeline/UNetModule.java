package io.diffuse4j.core.pipeline;

import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.device.PlannedMemory;
import io.diffuse4j.core.engine.NativeResource;
import io.diffuse4j.core.model.UNet;
import io.diffuse4j.core.model.UNet2D;
import io.diffuse4j.core.model.UNet2DCondition;
import io.diffuse4j.core.op.ElementType;
import io.diffuse4j.core.op.Graph;
import io.diffuse4j.core.op.OpProvider;
import io.diffuse4j.core.op.PackedWeights;
import io.diffuse4j.core.op.Plan;
import io.diffuse4j.weights.HostTensor;
import io.diffuse4j.weights.ImageSize;
import io.diffuse4j.weights.InvalidModelException;
import io.diffuse4j.weights.ModelConfig;
import io.diffuse4j.weights.ModuleFolder;
import io.diffuse4j.weights.TensorNames;
import io.diffuse4j.weights.TensorSource;
import io.diffuse4j.weights.UNet2DConditionConfig;
import io.diffuse4j.weights.UNet2DConfig;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A U-Net loaded on a device: its weights, packed once, from which plans for any shape are
 * compiled. Immutable; shared by threads.
 */
public final class UNetModule extends NativeResource {
  /** Tokens of a text encoder's output, for networks that attend to one. */
  private static final int TEXT_TOKENS = 77;

  /** For networks that do not say what they were trained on, in multiples of the least size. */
  private static final int DEFAULT_MULTIPLES = 8;

  private final Device device;
  private final OpProvider provider;
  private final String name;
  private final UNet network;
  private final DType dtype;
  private final PackedWeights weights;

  private UNetModule(Device device, String name, UNet network, DType dtype, TensorSource source) {
    super(device);
    this.device = device;
    this.provider = (OpProvider) device;
    this.name = name;
    this.network = network;
    this.dtype = dtype;
    try {
      Graph graph = network.graph(smallShape(network), ElementType.of(dtype));
      TensorNames.check(source, graph.publishedShapes());
      this.weights = provider.load(graph, dtype, source);
    } catch (Throwable t) {
      abandon();
      throw t;
    }
  }

  /** Small, but so that no resolution is a single pixel and no context a single token. */
  private static UNet.Shape smallShape(UNet network) {
    return new UNet.Shape(1, 2 * network.sizeMultiple(), 2 * network.sizeMultiple(), 2);
  }

  /**
   * Loads the U-Net of a module folder ({@code config.json} and weights as diffusers publishes
   * them).
   *
   * @param warnings gets at most one line, about configuration fields that are not known
   * @throws InvalidModelException if the files do not make a U-Net that we compute
   * @throws IllegalArgumentException if the device does not compute in {@code dtype}
   * @throws io.diffuse4j.core.device.DeviceMemoryException if the weights do not fit
   */
  public static UNetModule load(
      Device device, Path folder, DType dtype, Consumer<String> warnings) {
    checkSupported(device, dtype);
    ModuleFolder module = ModuleFolder.open(folder);
    UNet network = network(module, warnings);
    try (TensorSource source = module.openWeights()) {
      return new UNetModule(device, folder.toString(), network, dtype, source);
    }
  }

  /**
   * What the U-Net of a module folder will need on a device; reads no weights.
   *
   * @throws InvalidModelException if the configuration is not of a U-Net that we compute
   * @throws IllegalArgumentException if the device does not compute in {@code dtype}, or the
   *     network not at that size
   */
  public static PlannedMemory planned(
      Device device, ModuleFolder module, DType dtype, UNet.Shape shape) {
    checkSupported(device, dtype);
    UNet network = network(module, warning -> {});
    ModuleInputs.checkSize(network, "the sample", shape.height(), shape.width());
    return ((OpProvider) device).plan(network.graph(shape, ElementType.of(dtype)), dtype, false);
  }

  /**
   * The same for samples of the size that the network was trained on.
   *
   * @param batch samples in a call, 1 or more
   */
  public static PlannedMemory planned(Device device, ModuleFolder module, DType dtype, int batch) {
    if (batch < 1) {
      throw new IllegalArgumentException("batch is " + batch + "; it must be at least 1");
    }
    UNet network = network(module, warning -> {});
    int least = DEFAULT_MULTIPLES * network.sizeMultiple();
    ImageSize size = network.sampleSize().orElse(new ImageSize(least, least));
    return planned(
        device, module, dtype, new UNet.Shape(batch, size.height(), size.width(), TEXT_TOKENS));
  }

  private static void checkSupported(Device device, DType dtype) {
    if (!device.supports(dtype)) {
      throw new IllegalArgumentException(
          "the " + device.kind() + " device does not compute in " + dtype);
    }
  }

  /** The network that a module folder's configuration describes; reads no weights. */
  public static UNet network(ModuleFolder module, Consumer<String> warnings) {
    ModelConfig config = module.config();
    return switch (module.kind().className()) {
      case "UNet2DModel" -> new UNet2D(UNet2DConfig.from(config, warnings));
      case "UNet2DConditionModel" ->
          new UNet2DCondition(UNet2DConditionConfig.from(config, warnings));
      default ->
          throw new InvalidModelException(
              config.origin()
                  + ": "
                  + module.kind().className()
                  + " is not implemented; UNet2DModel and UNet2DConditionModel are");
    };
  }

  public UNet network() {
    return network;
  }

  public DType dtype() {
    return dtype;
  }

  public Device device() {
    return device;
  }

  /** Device bytes of the packed weights. */
  public long weightBytes() {
    enter();
    try {
      return weights.bytes();
    } finally {
      exit();
    }
  }

  OpProvider provider() {
    return provider;
  }

  Graph graph(UNet.Shape shape) {
    return network.graph(shape, ElementType.of(dtype));
  }

  Plan compile(Graph graph, boolean batchInvariant) {
    enter();
    try {
      return provider.compile(graph, weights, batchInvariant);
    } finally {
      exit();
    }
  }

  /**
   * Compiles the network for one shape.
   *
   * @throws IllegalArgumentException if the network does not take that size
   */
  public UNetSession session(UNet.Shape shape, boolean batchInvariant) {
    return new UNetSession(this, shape, batchInvariant);
  }

  /**
   * Runs the network once on named tensors in their published layouts: {@code sample} [n, c, h, w],
   * {@code timestep} [n], and what else the model takes ({@code encoder_hidden_states}, {@code
   * class_labels}, {@code text_embeds}, {@code time_ids}). Names that it does not take are ignored.
   *
   * @return {@code sample} [n, c, h, w]
   * @throws IllegalArgumentException if a tensor is missing, misshapen, out of range or not finite
   */
  public Map<String, HostTensor> run(Map<String, HostTensor> inputs) {
    HostTensor sample = ModuleInputs.require(inputs, "sample");
    try (UNetSession session = session(ModuleInputs.shape(network, inputs, sample), false)) {
      for (String input : session.inputNames()) {
        session.input(input, ModuleInputs.require(inputs, input));
      }
      session.run();
      return Map.of("sample", session.output());
    }
  }

  @Override
  protected String describe() {
    return "U-Net " + name;
  }

  @Override
  protected void release() {
    if (weights != null) {
      weights.close();
    }
  }
}
