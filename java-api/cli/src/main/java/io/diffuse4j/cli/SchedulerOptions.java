package io.diffuse4j.cli;

import io.diffuse4j.weights.ModelConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** Which sampling method {@code generate} uses. */
final class SchedulerOptions {
  @Option(
      names = "--scheduler",
      paramLabel = "NAME",
      description =
          "The sampling method: a diffusers class name, with or without its Scheduler ending, or a"
              + " short name such as ddim, dpmpp-2m, unipc or euler-a. What it shares with the"
              + " model's configuration is carried over. dpm-adaptive takes --scheduler-option"
              + " order, atol and rtol and no --steps.")
  private String name;

  @Option(
      names = "--scheduler-config",
      paramLabel = "FILE",
      description = "A scheduler's configuration, as diffusers writes it, in place of the model's.")
  private Path config;

  @Option(
      names = "--scheduler-option",
      paramLabel = "K=V",
      description =
          "A field of the configuration to set, by its diffusers name; also eta for DDIM. May be"
              + " given several times.")
  private List<String> options = List.of();

  /** The choice, for a model with the configuration {@code modelConfig}. */
  SchedulerChoice choice(Environment environment, ModelConfig modelConfig) {
    return new SchedulerChoice(
        config == null ? modelConfig : ModelConfig.read(environment.resolve(config)),
        name,
        options);
  }

  /** The options again, to be put into an image; a file by its name alone. */
  List<String> arguments() {
    List<String> arguments = new ArrayList<>();
    if (config != null) {
      arguments.addAll(List.of("--scheduler-config", String.valueOf(config.getFileName())));
    }
    if (name != null) {
      arguments.addAll(List.of("--scheduler", name));
    }
    options.forEach(option -> arguments.addAll(List.of("--scheduler-option", option)));
    return arguments;
  }
}
