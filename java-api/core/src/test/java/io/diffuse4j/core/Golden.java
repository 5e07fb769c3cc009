package io.diffuse4j.core;

import io.diffuse4j.weights.HostTensor;
import io.diffuse4j.weights.SafetensorsFile;
import io.diffuse4j.weights.TensorSource;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The golden files in the test resources. */
public final class Golden {
  private Golden() {}

  /** The U-Nets in {@code modules} that we compute. */
  public static List<String> unets() {
    return List.of(
        "unet2d-unconditional",
        "unet2d-class",
        "unet2d-scale-shift",
        "unet-sd1",
        "unet-sd2",
        "unet-sdxl",
        "unet-inpaint");
  }

  /** Every run in {@code pipelines}. */
  public static List<String> pipelines() {
    return List.of(
        "digits-ddim-20",
        "digits-ddpm-25",
        "digits-dpmpp-2m-12-cfg3",
        "digits-dpmpp-2m-15",
        "digits-dpmpp-2m-20-threshold",
        "digits-dpmpp-2m-20-threshold-cfg2",
        "digits-dpmpp-2m-sde-16",
        "digits-dpmpp-3s-15");
  }

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
