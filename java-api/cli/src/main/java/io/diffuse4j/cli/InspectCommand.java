package io.diffuse4j.cli;

import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.device.PlannedMemory;
import io.diffuse4j.core.pipeline.UNetModule;
import io.diffuse4j.weights.InvalidModelException;
import io.diffuse4j.weights.ModuleFolder;
import io.diffuse4j.weights.PipelineFolder;
import io.diffuse4j.weights.TensorDType;
import io.diffuse4j.weights.TensorSource;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Tells what a model is. */
@Command(
    name = "inspect",
    description =
        "Tell what a model is: its modules, their parameters and dtypes, and the memory that is"
            + " planned for each batch. Loads nothing.",
    optionListHeading = "%nOptions:%n",
    sortOptions = false,
    footer = {
      "",
      "Memory is for the size that the model was trained on. Guidance doubles the batch."
    })
final class InspectCommand implements Callable<Integer> {
  private static final int[] BATCHES = {1, 2, 4, 8, 16};

  private final Environment environment;

  @Mixin private ModelOption model;
  @Mixin private DeviceOptions device;

  InspectCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    device.check();
    Path folder = model.folder(environment);
    PrintStream out = environment.out();
    Map<String, ModuleFolder> modules = new LinkedHashMap<>();
    if (PipelineFolder.isPipeline(folder)) {
      PipelineFolder pipeline = PipelineFolder.open(folder);
      out.printf("%s, %s%n", model.name(environment), pipeline.className());
      pipeline.components().forEach((name, component) -> describe(name, component, modules));
      pipeline.nullLabel().ifPresent(label -> out.printf("  %-16s %d%n", "null label", label));
    } else {
      ModuleFolder module = ModuleFolder.open(folder);
      out.printf("%s, one module%n", model.name(environment));
      describe(module.kind().className(), module);
      modules.put(module.kind().className(), module);
    }
    try (Device opened = device.open()) {
      modules.forEach((name, module) -> plan(opened, name, module));
    }
    return ExitCode.DONE;
  }

  private void describe(
      String name, PipelineFolder.Component component, Map<String, ModuleFolder> modules) {
    if (!Files.exists(component.path().resolve("config.json"))) {
      environment.out().printf("  %-16s %s%n", name, component.className());
      return;
    }
    ModuleFolder module = ModuleFolder.open(component.path());
    describe(name, module);
    modules.put(name, module);
  }

  private void describe(String name, ModuleFolder module) {
    long parameters = 0;
    long bytes = 0;
    TreeSet<TensorDType> types = new TreeSet<>(Collections.reverseOrder());
    try (TensorSource weights = module.openWeights()) {
      for (String tensor : weights.names()) {
        parameters += weights.get(tensor).elementCount();
        bytes += weights.get(tensor).bytes().remaining();
        types.add(weights.get(tensor).dtype());
      }
    }
    environment
        .out()
        .printf(
            Locale.ROOT,
            "  %-16s %s, %,d parameters, %s, %s%n",
            name,
            module.kind().className(),
            parameters,
            String.join(" and ", types.stream().map(TensorDType::name).toList()),
            mebibytes(bytes));
  }

  private void plan(Device opened, String name, ModuleFolder module) {
    PrintStream out = environment.out();
    for (int batch : BATCHES) {
      PlannedMemory memory;
      try {
        memory = UNetModule.planned(opened, module, device.dtype(), batch);
      } catch (InvalidModelException e) {
        environment.warn(name + ": no memory is planned: " + e.getMessage());
        return;
      }
      if (batch == BATCHES[0]) {
        out.printf(
            "memory of %s on %s in %s: %s for weights, and for a call%n",
            name, device.deviceName(), device.dtypeName(), mebibytes(memory.weightBytes()));
      }
      out.printf("  batch %-10d %s%n", batch, mebibytes(memory.planBytes()));
    }
  }

  private static String mebibytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1 << 20));
  }
}
