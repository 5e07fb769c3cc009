package io.diffuse4j.weights;

import java.io.IOException;
import java.io.InputStream;

/**
 * Models inside an artifact, found by {@link java.util.ServiceLoader}: on the module path a {@code
 * provides} clause also makes the artifact's module part of the application. Any number of
 * artifacts may provide one.
 *
 * <p>The resource {@link #INDEX} lists the files: a line {@code SHA256 BYTES PATH} each, where the
 * first element of PATH is the model's name.
 */
public interface ModelBundle {
  /** The path of the index. */
  String INDEX = "models.index";

  /**
   * Opens a resource; the caller closes it.
   *
   * @param path a path of the index, or the index's own
   * @return the content, or null if there is no such resource
   */
  InputStream open(String path) throws IOException;
}
