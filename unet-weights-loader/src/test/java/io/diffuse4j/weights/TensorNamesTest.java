package io.diffuse4j.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorNamesTest {
  @TempDir Path folder;

  private SafetensorsFile file(HostTensor... tensors) {
    try {
      Path file = folder.resolve("x.safetensors");
      SafetensorsWriter.write(file, List.of(tensors));
      return SafetensorsFile.open(file);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void exactlyTheExpectedTensorsPass() {
    try (SafetensorsFile file = file(HostTensor.of("a", new float[6], 2, 3))) {
      TensorNames.check(file, Map.of("a", new long[] {2, 3}));
    }
  }

  @Test
  void savedPositionIdsAreHarmless() {
    try (SafetensorsFile file =
        file(
            HostTensor.of("text_model.embeddings.position_ids", new long[] {0, 1}, 1, 2),
            HostTensor.of("a", new float[1], 1))) {
      TensorNames.check(file, Map.of("a", new long[] {1}));
    }
  }

  @Test
  void oneMessageListsWhatIsMissingWhatIsExtraAndWhatHasAnotherShape() {
    try (SafetensorsFile file =
        file(
            HostTensor.of("a", new float[6], 2, 3),
            HostTensor.of("extra", new float[1], 1),
            HostTensor.of("my_position_ids", new float[1], 1))) {
      InvalidModelException e =
          assertThrows(
              InvalidModelException.class,
              () ->
                  TensorNames.check(file, Map.of("a", new long[] {3, 2}, "gone", new long[] {1})));
      assertEquals(
          folder.resolve("x.safetensors")
              + ": tensors do not fit the configuration: 1 missing: gone; 2 not expected: \"extra\","
              + " \"my_position_ids\"; 1 of another shape: a [2, 3] instead of [3, 2]",
          e.getMessage());
    }
  }

  @Test
  void aShapeOfTheSameSizeButAnotherRankIsWrong() {
    try (SafetensorsFile file = file(HostTensor.of("a", new float[6], 6, 1, 1))) {
      assertThrows(
          InvalidModelException.class, () -> TensorNames.check(file, Map.of("a", new long[] {6})));
    }
  }

  @Test
  void longListsAreCutAndSorted() {
    Map<String, long[]> expected = new HashMap<>();
    List<String> firstTen = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      expected.put(String.format("t%02d", i), new long[] {1});
      if (i < 10) {
        firstTen.add(String.format("t%02d", i));
      }
    }
    try (SafetensorsFile file = file()) {
      InvalidModelException e =
          assertThrows(InvalidModelException.class, () -> TensorNames.check(file, expected));
      String list = "30 missing: " + String.join(", ", firstTen) + " and 20 more";
      assertTrue(e.getMessage().endsWith(list), e.getMessage());
    }
  }
}
