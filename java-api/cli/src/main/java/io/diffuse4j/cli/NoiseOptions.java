package io.diffuse4j.cli;

import io.diffuse4j.core.noise.NoiseSource;
import io.diffuse4j.core.noise.PhiloxNoise;
import io.diffuse4j.core.noise.TorchCpuNoise;
import io.diffuse4j.core.noise.TorchCudaNoise;
import io.diffuse4j.weights.SafetensorsFile;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Option;

/** Where random numbers come from. */
final class NoiseOptions {
  private static final String DEFAULT = "philox";

  @Option(
      names = "--noise",
      paramLabel = "SOURCE",
      description =
          "philox (the default), or torch-cpu or torch-cuda for the numbers that PyTorch draws"
              + " from the same seeds. Without effect with --initial-noise.")
  private String noise = DEFAULT;

  @Option(
      names = "--initial-noise",
      paramLabel = "FILE",
      description =
          "A safetensors file with initial_noise (unit variance, [n, c, h, w]) to start from and,"
              + " where the scheduler draws, noise.NNN by network call. It fixes number and size"
              + " of the images.")
  private Path initialNoise;

  /** The source that {@code --noise} names. */
  NoiseSource drawn() {
    return switch (noise) {
      case DEFAULT -> new PhiloxNoise();
      case "torch-cpu" -> new TorchCpuNoise();
      case "torch-cuda" -> new TorchCudaNoise();
      default -> throw Arguments.wrong("--noise", noise, "philox, torch-cpu or torch-cuda");
    };
  }

  /** The file that {@code --initial-noise} names, or null. */
  SafetensorsFile open(Environment environment) {
    return initialNoise == null ? null : SafetensorsFile.open(environment.resolve(initialNoise));
  }

  /** The name of the file, or null. */
  String fileName() {
    return initialNoise == null ? null : String.valueOf(initialNoise.getFileName());
  }

  /** Where the numbers come from, in a word. */
  String describe() {
    return initialNoise == null ? noise : fileName();
  }

  /** The options again, to be put into an image; a file is for the image itself to tell. */
  List<String> arguments() {
    boolean given = initialNoise == null && !noise.equals(DEFAULT);
    return Arguments.given("--noise", given ? noise : null);
  }
}
