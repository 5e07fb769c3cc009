package io.diffuse4j.weights;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * A pipeline's folder: {@code model_index.json} and a folder for each component.
 *
 * @param path the folder
 * @param className the pipeline's class in diffusers
 * @param components by name ({@code unet}, {@code scheduler}, {@code vae}...), without those that
 *     the file declares absent; unmodifiable, in the order of the file
 * @param nullLabel the label that stands for "no class", if the file names one
 */
public record PipelineFolder(
    Path path, String className, Map<String, Component> components, OptionalInt nullLabel) {

  /**
   * One component.
   *
   * @param library the Python package of its class
   * @param className its class
   * @param path its folder, which exists
   */
  public record Component(String library, String className, Path path) {}

  private static final String INDEX = "model_index.json";

  /** Whether {@code folder} is a pipeline's. */
  public static boolean isPipeline(Path folder) {
    return Files.exists(folder.resolve(INDEX));
  }

  /**
   * Reads {@code model_index.json}.
   *
   * @throws InvalidModelException if it cannot be read, is invalid or names a component whose
   *     folder is missing
   */
  public static PipelineFolder open(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new InvalidModelException(folder + ": no such folder");
    }
    if (!isPipeline(folder)) {
      throw new InvalidModelException(
          folder + ": not a pipeline's folder: there is no " + INDEX + " in it");
    }
    ModelConfig config = ModelConfig.read(folder.resolve(INDEX));
    if (!config.has("_class_name")) {
      throw config.invalid("_class_name", "the pipeline's class is missing");
    }
    Map<String, Component> components = new LinkedHashMap<>();
    for (String name : config.fieldNames()) {
      // A list is a component; anything else is an option of the pipeline's constructor.
      if (!name.startsWith("_") && config.raw(name) instanceof List<?> pair) {
        Component component = component(folder, config, name, pair);
        if (component != null) {
          components.put(name, component);
        }
      }
    }
    return new PipelineFolder(
        folder,
        config.string("_class_name", ""),
        Collections.unmodifiableMap(components),
        config.optionalInteger("null_label", 0, Integer.MAX_VALUE));
  }

  /** The component of that name, or null for {@code [null, null]}, an absent optional one. */
  private static Component component(Path folder, ModelConfig config, String name, List<?> pair) {
    if (pair.size() == 2 && pair.get(0) == null && pair.get(1) == null) {
      return null;
    }
    if (pair.size() != 2
        || !(pair.get(0) instanceof String library)
        || !(pair.get(1) instanceof String className)) {
      throw config.invalid(name, "expected a component: [library, class]");
    }
    if (!name.matches("[A-Za-z0-9_]{1,64}")) {
      throw config.invalid(name, "not a name for a component's folder");
    }
    Path path = folder.resolve(name);
    if (!Files.isDirectory(path)) {
      throw config.invalid(name, "the component's folder " + path + " is missing");
    }
    return new Component(library, className, path);
  }

  /** Whether there is a component of that name. */
  public boolean has(String component) {
    return components.containsKey(component);
  }

  /**
   * The component of that name.
   *
   * @throws InvalidModelException if the pipeline has none; the message lists those it has
   */
  public Component component(String name) {
    Component component = components.get(name);
    if (component == null) {
      throw new InvalidModelException(
          path.resolve(INDEX)
              + ": no component "
              + Quote.quote(name)
              + "; there are "
              + String.join(", ", components.keySet()));
    }
    return component;
  }

  /**
   * The module in a component's folder.
   *
   * @throws InvalidModelException if there is no such component or its {@code config.json} is
   *     invalid
   */
  public ModuleFolder module(String component) {
    return ModuleFolder.open(component(component).path());
  }

  /**
   * The scheduler's configuration.
   *
   * @throws InvalidModelException if there is no scheduler or its file is invalid
   */
  public ModelConfig schedulerConfig() {
    return ModelConfig.read(component("scheduler").path().resolve("scheduler_config.json"));
  }
}
