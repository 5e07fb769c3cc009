package io.diffuse4j.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.diffuse4j.weights.ModelConfig;
import io.diffuse4j.weights.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code replay} takes every step that diffusers takes. */
class ReplayGoldenTest {
  /** Of a step in f32, as DESIGN sets it. */
  private static final double TOLERANCE = 1e-5;

  @TempDir Path folder;

  static Stream<String> cases() throws IOException {
    List<String> names = Golden.cases("schedulers");
    assertEquals(34, names.size());
    return names.stream();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void everyStepMatchesDiffusers(String name) throws IOException {
    Path golden = Golden.folder("schedulers/" + name);
    ModelConfig run = ModelConfig.read(golden.resolve("case.json"));
    List<String> arguments = new ArrayList<>(List.of("replay", "--scheduler-config"));
    arguments.add(golden.resolve("scheduler_config.json").toString());
    arguments.addAll(List.of("--steps", String.valueOf(run.integer("steps", 0, 1, 1000))));
    OptionalDouble eta = run.object("step_args").orElseThrow().optionalNumber("eta");
    eta.ifPresent(value -> arguments.addAll(List.of("--scheduler-option", "eta=" + value)));
    arguments.addAll(List.of("--trajectory", "in.safetensors", "--outputs", "out.safetensors"));
    try (SafetensorsFile trajectory =
        SafetensorsFile.open(golden.resolve("trajectory.safetensors"))) {
      Golden.filter(
          trajectory,
          folder.resolve("in.safetensors"),
          tensor -> tensor.matches("initial|step\\.\\d+\\.(model_output|noise\\.\\d+)"));
      CliRun.quietly(folder, arguments);
      try (SafetensorsFile out = SafetensorsFile.open(folder.resolve("out.safetensors"))) {
        assertArrayEquals(trajectory.get("timesteps").toFloats(), out.get("timesteps").toFloats());
        Set<String> expected =
            trajectory.names().stream()
                .filter(tensor -> tensor.endsWith(".prev_sample"))
                .collect(Collectors.toCollection(HashSet::new));
        for (String tensor : expected) {
          Golden.assertClose(trajectory.get(tensor), out.get(tensor), TOLERANCE);
        }
        expected.add("timesteps");
        assertEquals(expected, out.names());
      }
    }
  }
}
