package io.diffuse4j.cli;

import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.pipeline.UNetModule;
import io.diffuse4j.weights.HostTensor;
import io.diffuse4j.weights.PipelineFolder;
import io.diffuse4j.weights.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Runs one module of a model on given tensors. */
@Command(
    name = "module",
    description = "Run one module of a model on the tensors of a file.",
    optionListHeading = "%nOptions:%n",
    sortOptions = false,
    footer = {
      "",
      "Tensors are in their published layouts. --inputs is read for in.sample [n, c, h, w],"
          + " in.timestep [n], and what else the module takes: in.class_labels [n],"
          + " in.encoder_hidden_states [n, tokens, channels], in.text_embeds, in.time_ids."
          + " What it does not take is ignored. --outputs gets out.sample, F32."
    })
final class ModuleCommand implements Callable<Integer> {
  private static final List<String> OTHER_MODULES =
      List.of("vae-encoder", "vae-decoder", "text-encoder", "classifier", "controlnet");

  private final Environment environment;

  @Mixin private ModelOption model;

  @Option(
      names = "--module",
      required = true,
      paramLabel = "MODULE",
      description = "Which module: unet. --model may be a pipeline's folder or the module's own.")
  private String module;

  @Option(
      names = "--inputs",
      required = true,
      paramLabel = "IN.safetensors",
      description = "The tensors that go in.")
  private Path inputs;

  @Option(
      names = "--outputs",
      required = true,
      paramLabel = "OUT.safetensors",
      description = "The file for the tensors that come out.")
  private Path outputs;

  @Mixin private DeviceOptions device;

  ModuleCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws IOException {
    device.check();
    if (OTHER_MODULES.contains(module)) {
      throw new UsageException(
          "--module " + module + " is not built into this version; use --module unet");
    }
    if (!module.equals("unet")) {
      throw Arguments.wrong("--module", module, "unet");
    }
    Path target = environment.resolve(outputs);
    StagedOutputs.checkFile("--outputs", target);
    try (TensorFile in = new TensorFile(environment.resolve(inputs))) {
      Path folder = unetFolder(model.folder(environment));
      try (Device opened = device.open();
          UNetModule unet = UNetModule.load(opened, folder, device.dtype(), environment::warn)) {
        write(target, run(unet, in));
      }
    }
    return ExitCode.DONE;
  }

  private static Path unetFolder(Path model) {
    return PipelineFolder.isPipeline(model)
        ? PipelineFolder.open(model).component("unet").path()
        : model;
  }

  private static Map<String, HostTensor> run(UNetModule unet, TensorFile in) {
    try {
      return unet.run(in.withPrefix("in."));
    } catch (IllegalArgumentException e) {
      // The tensors are the only arguments.
      throw in.unfit(e.getMessage());
    }
  }

  private void write(Path target, Map<String, HostTensor> results) throws IOException {
    List<HostTensor> tensors =
        results.entrySet().stream()
            .map(
                result ->
                    HostTensor.of(
                        "out." + result.getKey(),
                        result.getValue().toFloats(),
                        result.getValue().shape()))
            .toList();
    SafetensorsWriter.write(environment.outputs().stage(target), tensors);
    environment.outputs().commit();
  }
}
