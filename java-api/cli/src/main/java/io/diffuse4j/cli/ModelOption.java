package io.diffuse4j.cli;

import io.diffuse4j.weights.BundledModels;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Which model. */
final class ModelOption {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR|NAME",
      description =
          "The folder of a model as diffusers writes it, or the name of a bundled one"
              + " (digits-32).")
  private String model;

  /** The folder: an existing one, else the bundled model's, unpacked. */
  Path folder(Environment environment) {
    return isFolder(environment)
        ? environment.resolve(Path.of(model))
        : BundledModels.load().resolve(model);
  }

  /** What people call the model: the folder's own name, or the bundled model's. */
  String name(Environment environment) {
    if (!isFolder(environment)) {
      return model;
    }
    Path last = folder(environment).normalize().getFileName();
    return last == null ? model : last.toString();
  }

  private boolean isFolder(Environment environment) {
    if (model.isBlank()) {
      throw Arguments.wrong("--model", model, "a folder or the name of a bundled model");
    }
    return Files.isDirectory(environment.resolve(Path.of(model)));
  }
}
