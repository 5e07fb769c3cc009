package io.diffuse4j.core;

import io.diffuse4j.weights.HostTensor;
import io.diffuse4j.weights.SafetensorsFile;
import io.diffuse4j.weights.TensorSource;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** The golden files in the test resources. */
public final class Golden {
  private Golden() {}

  public static Path folder(String kind, String name) {
    try {
      return Path.of(Golden.class.getResource("/golden/" + kind + "/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The tensors whose names begin with {@code prefix}, by the rest of their names. */
  public static Map<String, HostTensor> tensors(Path file, String prefix) {
    Map<String, HostTensor> found = new LinkedHashMap<>();
    try (TensorSource source = SafetensorsFile.open(file)) {
      for (String name : source.names()) {
        if (name.startsWith(prefix)) {
          found.put(name.substring(prefix.length()), source.get(name));
        }
      }
    }
    return found;
  }

  /** ‖actual − expected‖ / ‖expected‖; NaN counts as infinitely wrong. */
  public static double error(float[] actual, float[] expected) {
    if (actual.length != expected.length) {
      throw new AssertionError(actual.length + " values instead of " + expected.length);
    }
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      double d = (double) actual[i] - expected[i];
      difference += d * d;
      norm += (double) expected[i] * expected[i];
    }
    double error = Math.sqrt(difference / norm);
    return Double.isNaN(error) ? Double.POSITIVE_INFINITY : error;
  }
}
