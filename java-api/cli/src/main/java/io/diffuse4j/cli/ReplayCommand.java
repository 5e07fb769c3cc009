package io.diffuse4j.cli;

import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.sampler.SamplerReplay;
import io.diffuse4j.core.scheduler.Scheduler;
import io.diffuse4j.weights.HostTensor;
import io.diffuse4j.weights.ModelConfig;
import io.diffuse4j.weights.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Drives the sampler with recorded model outputs. */
@Command(
    name = "replay",
    description = "Drive the sampler with recorded model outputs, for comparison step by step.",
    optionListHeading = "%nOptions:%n",
    sortOptions = false,
    footer = {
      "",
      "--trajectory is read for initial (already scaled), step.NNN.model_output and, where the"
          + " sampler draws, step.NNN.noise.0; NNN counts network calls from 000. --outputs gets"
          + " step.NNN.prev_sample and timesteps, F32."
    })
final class ReplayCommand implements Callable<Integer> {
  private final Environment environment;

  @Option(
      names = "--scheduler-config",
      required = true,
      paramLabel = "FILE",
      description = "The scheduler's configuration, as diffusers writes it.")
  private Path schedulerConfig;

  @Option(
      names = "--steps",
      required = true,
      paramLabel = "N",
      description = "Steps of the scheduler, 1 or more.")
  private String steps;

  @Option(
      names = "--scheduler-option",
      paramLabel = "K=V",
      description =
          "A field of the configuration to set, by its diffusers name; also eta for DDIM. May be"
              + " given several times.")
  private List<String> schedulerOptions = List.of();

  @Option(
      names = "--trajectory",
      required = true,
      paramLabel = "IN.safetensors",
      description = "The recorded model outputs.")
  private Path trajectory;

  @Option(
      names = "--outputs",
      required = true,
      paramLabel = "OUT.safetensors",
      description = "The file for the samples that the sampler makes of them.")
  private Path outputs;

  @Mixin private DeviceOptions device;

  ReplayCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws IOException {
    device.check();
    int count = Arguments.smallInteger("--steps", steps, 1, GenerateCommand.MAX_STEPS);
    Path target = environment.resolve(outputs);
    StagedOutputs.checkFile("--outputs", target);
    ModelConfig config = ModelConfig.read(environment.resolve(schedulerConfig));
    CoefficientTable table = table(new SchedulerChoice(config, null, schedulerOptions), count);
    try (TensorFile in = new TensorFile(environment.resolve(trajectory))) {
      checkCalls(in, table.calls(), count);
      try (Device opened = device.open()) {
        SafetensorsWriter.write(environment.outputs().stage(target), replay(opened, in, table));
      }
    }
    environment.outputs().commit();
    return ExitCode.DONE;
  }

  private CoefficientTable table(SchedulerChoice choice, int count) {
    Scheduler scheduler = choice.create(environment::warn);
    try {
      return scheduler.table(count);
    } catch (IllegalArgumentException e) {
      throw new UsageException("--steps: " + e.getMessage(), e);
    }
  }

  private static void checkCalls(TensorFile in, int calls, int count) {
    Set<String> recorded = new TreeSet<>();
    for (String name : in.withPrefix("step.").keySet()) {
      if (name.endsWith(".model_output")) {
        recorded.add("step." + name);
      }
    }
    Set<String> expected = new TreeSet<>();
    for (int call = 0; call < calls; call++) {
      expected.add(output(call));
    }
    if (!recorded.equals(expected)) {
      throw in.unfit(
          String.format(
              "%d recorded model outputs; %d steps of this scheduler are %d network calls, %s to"
                  + " %s",
              recorded.size(), count, calls, output(0), output(calls - 1)));
    }
  }

  private static String output(int call) {
    return SamplingDump.numbered("step", call) + ".model_output";
  }

  private static List<HostTensor> replay(Device device, TensorFile in, CoefficientTable table) {
    long[] shape = in.imageShape("initial");
    long[] outputShape = in.imageShape(output(0));
    if (outputShape[0] != shape[0]
        || outputShape[2] != shape[2]
        || outputShape[3] != shape[3]
        || outputShape[1] < shape[1]) {
      throw in.invalid(
          output(0),
          "is "
              + Arrays.toString(outputShape)
              + ", which is no prediction for initial, "
              + Arrays.toString(shape));
    }
    List<HostTensor> results = new ArrayList<>();
    try (SamplerReplay replay =
        new SamplerReplay(
            device,
            table,
            Math.toIntExact(shape[0]),
            Math.toIntExact(shape[1]),
            Math.toIntExact(Math.multiplyExact(shape[2], shape[3])),
            Math.toIntExact(outputShape[1]),
            in.finite("initial", shape))) {
      for (int call = 0; call < table.calls(); call++) {
        String step = SamplingDump.numbered("step", call);
        float[] noise = table.drawsNoise(call) ? in.finite(step + ".noise.0", shape) : null;
        float[] sample = replay.step(call, in.finite(output(call), outputShape), noise);
        results.add(HostTensor.of(step + ".prev_sample", sample, shape));
      }
    }
    double[] timesteps = table.timesteps();
    float[] rounded = new float[timesteps.length];
    for (int i = 0; i < rounded.length; i++) {
      rounded[i] = (float) timesteps[i];
    }
    results.add(HostTensor.of("timesteps", rounded, rounded.length));
    return results;
  }
}
