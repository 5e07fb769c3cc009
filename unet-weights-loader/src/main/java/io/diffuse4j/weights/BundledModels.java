package io.diffuse4j.weights;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeMap;

/**
 * The models that ship in artifacts, by name. A model is unpacked to a cache folder when it is
 * first asked for. Safe for use by several threads and by several processes on one cache.
 */
public final class BundledModels {
  /** The environment variable that moves the cache from {@code ~/.cache/diffuse4j}. */
  public static final String CACHE_VARIABLE = "DIFFUSE4J_CACHE";

  private final Map<String, BundledModel> models;
  private final ModelCache cache;

  /**
   * The models of the given bundles, unpacked to {@code cache}.
   *
   * @throws InvalidModelException if a bundle's index is invalid or two hold the same name
   */
  public BundledModels(Path cache, Iterable<ModelBundle> bundles) {
    Map<String, BundledModel> found = new TreeMap<>();
    for (ModelBundle bundle : bundles) {
      for (BundledModel model : BundledModel.readIndex(bundle)) {
        if (found.put(model.name(), model) != null) {
          throw new InvalidModelException(
              "two artifacts hold a model named " + Quote.quote(model.name()));
        }
      }
    }
    this.models = Collections.unmodifiableMap(found);
    this.cache = new ModelCache(cache);
  }

  /** The models on the class path and module path, and the user's cache. */
  public static BundledModels load() {
    return new BundledModels(cacheFolder(), ServiceLoader.load(ModelBundle.class));
  }

  /** The user's cache; it need not exist. */
  public static Path cacheFolder() {
    return cacheFolder(System.getenv(CACHE_VARIABLE), System.getProperty("user.home"));
  }

  /** Where things are cached: {@code variable} if set, else under {@code home}. */
  static Path cacheFolder(String variable, String home) {
    return variable == null || variable.isBlank()
        ? Path.of(home, ".cache", "diffuse4j")
        : Path.of(variable);
  }

  /** The names of all bundled models, in alphabetical order; unmodifiable. */
  public Set<String> names() {
    return models.keySet();
  }

  /**
   * The folder of a bundled model, unpacked and checked against its checksums.
   *
   * @return empty if no model has that name
   * @throws InvalidModelException if the model cannot be unpacked, for instance because the cache
   *     is not writable
   */
  public Optional<Path> find(String name) {
    return Optional.ofNullable(models.get(name)).map(cache::folderOf);
  }

  /**
   * What a user means by a model: an existing folder, else a bundled model's name.
   *
   * @throws InvalidModelException if it is neither; the message lists the bundled names
   */
  public Path resolve(String folderOrName) {
    if (!folderOrName.isEmpty() && folderOrName.indexOf('\0') < 0) {
      Path folder = Path.of(folderOrName);
      if (Files.isDirectory(folder)) {
        return folder;
      }
    }
    return find(folderOrName)
        .orElseThrow(
            () ->
                new InvalidModelException(
                    "there is neither a folder nor a bundled model "
                        + Quote.quote(folderOrName)
                        + "; bundled models: "
                        + (models.isEmpty() ? "none" : String.join(", ", models.keySet()))));
  }
}
