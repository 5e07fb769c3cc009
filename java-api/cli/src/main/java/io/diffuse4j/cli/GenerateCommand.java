package io.diffuse4j.cli;

import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.guidance.Guidance;
import io.diffuse4j.core.noise.GivenNoise;
import io.diffuse4j.core.noise.NoiseSource;
import io.diffuse4j.core.pipeline.GenerationRequest;
import io.diffuse4j.core.pipeline.GenerationResult;
import io.diffuse4j.core.pipeline.Model;
import io.diffuse4j.core.pipeline.Sampler;
import io.diffuse4j.core.pipeline.SamplerOptions;
import io.diffuse4j.core.scheduler.Scheduler;
import io.diffuse4j.core.scheduler.Schedulers;
import io.diffuse4j.weights.SafetensorsWriter;
import io.diffuse4j.weights.TensorSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Generates images. */
@Command(
    name = "generate",
    description = "Generate images.",
    optionListHeading = "%nOptions:%n",
    sortOptions = false,
    footer = {
      "",
      "Image i has the seed S + i, and is the image of a command for it alone with that seed.",
      "How an image was made is in its text chunks, with the command that makes it again.",
      "",
      "Example:",
      "  diffuse4j generate --model digits-32 --label 0,1,2,3,4,5,6,7,8,9 --guidance-scale 2 \\",
      "      --seed 7 --out digits.png"
    })
final class GenerateCommand implements Callable<Integer> {
  /** Of any scheduler; each has its own limit, which is lower for most. */
  static final int MAX_STEPS = 10_000;

  /** The keyword of the number of steps. */
  private static final String STEPS = "Steps";

  private final Environment environment;

  @Mixin private ModelOption model;
  @Mixin private ImageOptions images;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description =
          "Steps of the scheduler, 20 by default, at most as many as the model was trained with.")
  private String steps;

  @Mixin private SchedulerOptions scheduler;
  @Mixin private GuidanceOptions guidance;
  @Mixin private NoiseOptions noise;

  @Option(
      names = "--batch-invariant",
      description =
          "Make every bit of an image independent of the images beside it; slower. Without it they"
              + " may differ by 1/255.")
  private boolean batchInvariant;

  @Option(
      names = "--dump",
      paramLabel = "FILE",
      description =
          "Also write a safetensors file with initial_noise, noise.NNN where drawn, latents.NNN"
              + " after each network call, timesteps, and image (U8), in NCHW order.")
  private Path dump;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FILE.png|DIR",
      description =
          "A PNG file, where several images become a grid, ten to a row; or a folder for 000.png"
              + " and so on.")
  private Path out;

  @Mixin private DeviceOptions device;

  GenerateCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws IOException {
    device.check();
    GenerationRequest.Builder request =
        GenerationRequest.builder()
            .seed(images.firstSeed())
            .guidance(guidance.guidance())
            .cancel(environment.cancel());
    NoiseSource drawn = noise.drawn();
    ImageOutput output = ImageOutput.of(environment.resolve(out));
    Path dumpFile = dumpFile(output);
    Path folder = model.folder(environment);
    // A resource that is null is not closed.
    try (TensorSource noiseFile = noise.open(environment);
        Device opened = device.open();
        Model loaded = Model.load(opened, folder, device.dtype(), environment::warn)) {
      GivenNoise given = noiseFile == null ? null : new GivenNoise(noiseFile);
      guidance.check(loaded, model.name(environment));
      ImageOptions.Selection selection = images.select(loaded, model.name(environment), given);
      output.check(selection.count(), selection.height(), selection.width());
      Map<String, String> method = method(loaded, request);
      SamplingDump trace = dumpFile == null ? null : new SamplingDump(selection.count());
      request.noise(given == null ? drawn : given).trace(trace);
      if (selection.labels().isEmpty()) {
        request.images(selection.count());
      } else {
        request.labels(selection.labels());
      }
      GenerationResult result = generate(loaded, selection, request);
      output.stage(environment.outputs(), result.images(), recipe(selection, method));
      if (trace != null) {
        SafetensorsWriter.write(
            environment.outputs().stage(dumpFile), trace.tensors(result.images()));
      }
    }
    environment.outputs().commit();
    return ExitCode.DONE;
  }

  /** Puts the sampling method into the request; the facts about it, by keyword. */
  private Map<String, String> method(Model loaded, GenerationRequest.Builder request) {
    SchedulerChoice choice = scheduler.choice(environment, loaded.schedulerConfig());
    if (choice.isAdaptive()) {
      if (steps != null) {
        throw new UsageException(
            "--steps is not for " + Schedulers.ADAPTIVE + ", which chooses them; leave it out");
      }
      request.adaptive(choice.adaptive(environment::warn));
      return Map.of("Scheduler", Schedulers.ADAPTIVE);
    }
    Scheduler chosen = choice.create(environment::warn);
    int number =
        steps == null
            ? GenerationRequest.DEFAULT_STEPS
            : Arguments.smallInteger("--steps", steps, 1, MAX_STEPS);
    request.scheduler(chosen).steps(number);
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("Scheduler", chosen.name());
    facts.put(STEPS, String.valueOf(number));
    return facts;
  }

  /** Where the dump goes; null for none. */
  private Path dumpFile(ImageOutput output) {
    if (dump == null) {
      return null;
    }
    Path file = environment.resolve(dump);
    StagedOutputs.checkFile("--dump", file);
    if (file.normalize().equals(output.target().normalize())) {
      throw new UsageException("--dump and --out name the same file, " + dump);
    }
    return file;
  }

  private GenerationResult generate(
      Model loaded, ImageOptions.Selection selection, GenerationRequest.Builder request) {
    SamplerOptions options =
        SamplerOptions.of(selection.height(), selection.width()).withBatchInvariant(batchInvariant);
    try (Sampler sampler = loaded.sampler(options);
        ProgressLine progress = environment.progress()) {
      return sampler.generate(request.progress(progress).build());
    } catch (IllegalArgumentException e) {
      // What is left to refuse is how options fit the model: sizes, steps, noise of that size.
      throw new UsageException(e.getMessage(), e);
    }
  }

  private Recipe recipe(ImageOptions.Selection selection, Map<String, String> method) {
    Guidance used = guidance.guidance();
    Map<String, String> facts = new LinkedHashMap<>(method);
    facts.put("Guidance scale", String.valueOf(used.scale()));
    facts.put("Guidance rescale", String.valueOf(used.rescale()));
    facts.put("Noise", noise.describe());
    facts.put("DType", device.dtypeName());
    facts.put("Device", device.deviceName());
    List<String> arguments = new ArrayList<>(scheduler.arguments());
    arguments.addAll(Arguments.given("--steps", method.get(STEPS)));
    arguments.addAll(guidance.arguments());
    arguments.addAll(images.arguments());
    arguments.addAll(noise.arguments());
    if (batchInvariant) {
      arguments.add("--batch-invariant");
    }
    arguments.addAll(Arguments.given("--dtype", device.dtypeName()));
    return new Recipe(
        model.name(environment),
        selection.labels(),
        selection.count(),
        images.firstSeed(),
        noise.fileName(),
        facts,
        arguments);
  }
}
