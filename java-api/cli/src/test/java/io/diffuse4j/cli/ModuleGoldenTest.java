package io.diffuse4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.diffuse4j.weights.SafetensorsFile;
import io.diffuse4j.weights.TensorDType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code module} gives what diffusers gives. */
class ModuleGoldenTest {
  @TempDir Path folder;

  static Stream<Arguments> cases() throws IOException {
    List<String> names =
        Golden.cases("modules").stream().filter(name -> name.matches("unet(2d)?-.*")).toList();
    assertEquals(7, names.size());
    return names.stream()
        .flatMap(
            name ->
                // The tolerances of a whole module in each dtype, as DESIGN sets them.
                Stream.of(Arguments.of(name, "f32", 1e-5), Arguments.of(name, "bf16", 3e-2)));
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("cases")
  void moduleMatchesDiffusers(String name, String dtype, double tolerance) throws IOException {
    Path golden = Golden.folder("modules/" + name);
    try (SafetensorsFile io = SafetensorsFile.open(golden.resolve("io.safetensors"))) {
      Golden.filter(io, folder.resolve("in.safetensors"), tensor -> tensor.startsWith("in."));
      CliRun.quietly(
          folder,
          "module",
          "--model",
          golden.toString(),
          "--module",
          "unet",
          "--inputs",
          "in.safetensors",
          "--outputs",
          "out.safetensors",
          "--dtype",
          dtype);
      try (SafetensorsFile out = SafetensorsFile.open(folder.resolve("out.safetensors"))) {
        assertEquals(Set.of("out.sample"), out.names());
        assertEquals(TensorDType.F32, out.get("out.sample").dtype());
        Golden.assertClose(io.get("out.sample"), out.get("out.sample"), tolerance);
      }
    }
  }
}
