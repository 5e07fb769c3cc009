package io.diffuse4j.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.weights.HostTensor;
import io.diffuse4j.weights.SafetensorsFile;
import io.diffuse4j.weights.SafetensorsWriter;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** The expected values: folders of files that diffusers made. */
final class Golden {
  private Golden() {}

  /** A folder, such as {@code modules/unet-sd1}. */
  static Path folder(String path) {
    try {
      return Path.of(Golden.class.getResource("/golden/" + path).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  /** The names of the cases of a kind. */
  static List<String> cases(String kind) throws IOException {
    try (Stream<Path> folders = Files.list(folder(kind))) {
      return folders.map(folder -> folder.getFileName().toString()).sorted().toList();
    }
  }

  /** Writes those tensors of a file that a command is to see. */
  static void filter(SafetensorsFile from, Path to, Predicate<String> wanted) throws IOException {
    SafetensorsWriter.write(to, from.names().stream().filter(wanted).map(from::get).toList());
  }

  /** Asserts the shape, and a relative error in the Euclidean norm. */
  static void assertClose(HostTensor expected, HostTensor actual, double tolerance) {
    assertArrayEquals(expected.shape(), actual.shape(), expected.name());
    double error = error(expected.toFloats(), actual.toFloats());
    assertTrue(
        error <= tolerance, // false for NaN
        () ->
            String.format(Locale.ROOT, "%s: error %.3g, allowed %.3g", expected, error, tolerance));
  }

  private static double error(float[] expected, float[] actual) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow((double) actual[i] - expected[i], 2);
      norm += Math.pow(expected[i], 2);
    }
    return Math.sqrt(difference / norm);
  }
}
