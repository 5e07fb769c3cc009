package io.diffuse4j.core.pipeline;

import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.engine.NativeResource;
import io.diffuse4j.core.model.UNet;
import io.diffuse4j.core.scheduler.Scheduler;
import io.diffuse4j.core.scheduler.Schedulers;
import io.diffuse4j.weights.ImageSize;
import io.diffuse4j.weights.InvalidModelException;
import io.diffuse4j.weights.ModelConfig;
import io.diffuse4j.weights.PipelineFolder;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * A published pipeline loaded on a device: a network and the scheduler it was trained for.
 * Immutable and shared by threads; each thread that generates opens a {@link Sampler} of its own.
 */
public final class Model extends NativeResource {
  private final String name;
  private final UNetModule unet;
  private final ModelConfig schedulerConfig;
  private final Scheduler scheduler;
  private final ImageSize size;
  private final OptionalInt nullLabel;

  private Model(
      Device device,
      String name,
      UNetModule unet,
      ModelConfig schedulerConfig,
      Scheduler scheduler,
      OptionalInt nullLabel) {
    super(device);
    this.name = name;
    this.unet = unet;
    this.schedulerConfig = schedulerConfig;
    this.scheduler = scheduler;
    this.nullLabel = nullLabel;
    UNet network = unet.network();
    this.size =
        network
            .sampleSize()
            .orElse(new ImageSize(8 * network.sizeMultiple(), 8 * network.sizeMultiple()));
  }

  /**
   * Loads a pipeline folder as diffusers writes it ({@code model_index.json}, {@code unet}, {@code
   * scheduler}).
   *
   * @param warnings gets a line for each file with configuration fields that are not known
   * @throws InvalidModelException if the files do not make a model that we compute
   * @throws IllegalArgumentException if the device does not compute in {@code dtype}
   * @throws io.diffuse4j.core.device.DeviceMemoryException if the weights do not fit
   */
  public static Model load(Device device, Path folder, DType dtype, Consumer<String> warnings) {
    PipelineFolder pipeline = PipelineFolder.open(folder);
    for (String component : pipeline.components().keySet()) {
      if (!component.equals("unet") && !component.equals("scheduler")) {
        throw new InvalidModelException(
            folder
                + ": "
                + pipeline.className()
                + " needs the component '"
                + component
                + "', which is not implemented; models of a unet and a scheduler are");
      }
    }
    ModelConfig schedulerConfig = pipeline.schedulerConfig();
    Scheduler scheduler = Schedulers.create(schedulerConfig, warnings);
    UNetModule unet = UNetModule.load(device, pipeline.component("unet").path(), dtype, warnings);
    try {
      UNet network = unet.network();
      OptionalInt nullLabel = nullLabel(pipeline, network);
      Path name = folder.toAbsolutePath().normalize().getFileName();
      return new Model(
          device,
          name == null ? folder.toString() : name.toString(),
          unet,
          schedulerConfig,
          scheduler,
          nullLabel);
    } catch (Throwable t) {
      unet.close();
      throw t;
    }
  }

  private static OptionalInt nullLabel(PipelineFolder pipeline, UNet network) {
    if (network.classes() == 0) {
      return OptionalInt.empty();
    }
    int label = pipeline.nullLabel().orElse(network.classes() - 1);
    if (label >= network.classes()) {
      throw new InvalidModelException(
          pipeline.path()
              + ": null_label is "
              + label
              + ", but the network has "
              + network.classes()
              + " classes");
    }
    return OptionalInt.of(label);
  }

  /**
   * Opens a sampler for images of one size.
   *
   * @throws IllegalArgumentException if the network does not take that size
   */
  public Sampler sampler(SamplerOptions options) {
    return new Sampler(this, options);
  }

  /** Opens a sampler for images of the size that the model was trained on. */
  public Sampler sampler() {
    return sampler(SamplerOptions.of(size.height(), size.width()));
  }

  public String name() {
    return name;
  }

  public UNetModule unet() {
    return unet;
  }

  /** The scheduler that the model's files ask for. */
  public Scheduler scheduler() {
    return scheduler;
  }

  /** The scheduler's configuration, to make another from. */
  public ModelConfig schedulerConfig() {
    return schedulerConfig;
  }

  /** Height and width that the model was trained on. */
  public ImageSize size() {
    return size;
  }

  /** How many labels it knows, the null label included; 0 for a model without classes. */
  public int classes() {
    return unet.network().classes();
  }

  /** The label that stands for no class; empty for a model without classes. */
  public OptionalInt nullLabel() {
    return nullLabel;
  }

  @Override
  protected String describe() {
    return "Model " + name;
  }

  @Override
  protected void release() {
    unet.close();
  }
}
