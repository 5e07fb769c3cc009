package io.diffuse4j.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A folder with one module: {@code config.json} and weights.
 *
 * @param path the folder
 * @param kind what the configuration says the module is
 */
public record ModuleFolder(Path path, ModuleKind kind) {
  private static final List<String> FILES =
      List.of("diffusion_pytorch_model.safetensors", "model.safetensors");

  /**
   * Reads the kind of the module in {@code folder}; weights are not touched.
   *
   * @throws InvalidModelException if there is no readable {@code config.json} or it names no kind
   */
  public static ModuleFolder open(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new InvalidModelException(folder + ": no such folder");
    }
    if (!Files.exists(folder.resolve("config.json"))) {
      throw new InvalidModelException(
          folder + ": not a module's folder: there is no config.json in it");
    }
    return new ModuleFolder(folder, ModuleKind.of(readConfig(folder)));
  }

  /** Reads {@code config.json} anew: a configuration remembers what was read from it. */
  public ModelConfig config() {
    return readConfig(path);
  }

  /**
   * Opens the weights: {@code diffusion_pytorch_model.safetensors}, else {@code model.safetensors},
   * else the index of the first or of the second name.
   *
   * @throws InvalidModelException if there are none or they are invalid
   */
  public TensorSource openWeights() {
    for (String name : FILES) {
      if (Files.exists(path.resolve(name))) {
        return SafetensorsFile.open(path.resolve(name));
      }
    }
    for (String name : FILES) {
      Path index = path.resolve(name + ".index.json");
      if (Files.exists(index)) {
        return ShardedSafetensors.open(index);
      }
    }
    throw noWeights();
  }

  private InvalidModelException noWeights() {
    List<String> found;
    try (Stream<Path> files = Files.list(path)) {
      found =
          files
              .map(file -> file.getFileName().toString())
              .filter(name -> name.matches(".*\\.(safetensors|pt|pth|ckpt|bin)"))
              .sorted()
              .limit(5)
              .collect(Collectors.toList());
    } catch (IOException e) {
      throw new InvalidModelException(path + ": cannot be read: " + StrictJson.reason(e), e);
    }
    if (found.stream().anyMatch(name -> !name.endsWith(".safetensors"))) {
      return new InvalidModelException(
          path
              + ": "
              + String.join(", ", found)
              + ": PyTorch's own format is not supported; convert the weights to "
              + FILES.get(0));
    }
    return new InvalidModelException(
        path
            + ": no weights: expected "
            + String.join(" or ", FILES)
            + ", or an index beside them"
            + (found.isEmpty() ? "" : "; found " + String.join(", ", found)));
  }

  private static ModelConfig readConfig(Path folder) {
    return ModelConfig.read(folder.resolve("config.json"));
  }
}
