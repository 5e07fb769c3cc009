package io.diffuse4j.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.weights.HostTensor;
import io.diffuse4j.weights.ModelConfig;
import io.diffuse4j.weights.SafetensorsFile;
import io.diffuse4j.weights.TensorDType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code generate} makes the images that diffusers makes of the same noise, step by step. */
class PipelineGoldenTest {
  @TempDir Path folder;

  static Stream<Arguments> cases() throws IOException {
    List<String> names = Golden.cases("pipelines");
    assertEquals(8, names.size());
    return names.stream()
        .flatMap(
            name ->
                // The tolerances of a whole pipeline in each dtype, as DESIGN sets them.
                Stream.of(Arguments.of(name, "f32", 1e-4), Arguments.of(name, "bf16", 2e-2)));
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("cases")
  void everyStepMatchesDiffusers(String name, String dtype, double tolerance) throws IOException {
    Path golden = Golden.folder("pipelines/" + name);
    ModelConfig run = ModelConfig.read(golden.resolve("case.json"));
    try (SafetensorsFile expected =
        SafetensorsFile.open(golden.resolve("trajectory.safetensors"))) {
      Golden.filter(
          expected,
          folder.resolve("noise.safetensors"),
          tensor -> tensor.matches("initial_noise|noise\\.\\d+"));
      CliRun.quietly(
          folder,
          "generate",
          "--model",
          run.string("model", ""),
          "--label",
          labels(expected.get("class_labels")),
          "--scheduler-config",
          golden.resolve("scheduler_config.json").toString(),
          "--steps",
          String.valueOf(run.integer("steps", 0, 1, 1000)),
          "--guidance-scale",
          String.valueOf(run.number("guidance_scale", Double.NaN)),
          "--initial-noise",
          "noise.safetensors",
          "--dtype",
          dtype,
          "--dump",
          "dump.safetensors",
          "--out",
          "image.png");
      try (SafetensorsFile dump = SafetensorsFile.open(folder.resolve("dump.safetensors"))) {
        compare(expected, dump, dtype.equals("f32"), tolerance);
      }
    }
  }

  private static String labels(HostTensor labels) {
    return Arrays.stream(labels.toLongs())
        .mapToObj(String::valueOf)
        .collect(Collectors.joining(","));
  }

  private static void compare(
      SafetensorsFile expected, SafetensorsFile dump, boolean exact, double tolerance) {
    for (String name : expected.names()) {
      if (name.startsWith("latents.")) {
        Golden.assertClose(expected.get(name), dump.get(name), tolerance);
      } else if (name.matches("timesteps|initial_noise|noise\\.\\d+")) {
        assertArrayEquals(expected.get(name).toFloats(), dump.get(name).toFloats(), name);
      }
    }
    HostTensor image = dump.get("image");
    assertEquals(TensorDType.U8, image.dtype());
    assertArrayEquals(expected.get("image").shape(), image.shape());
    if (exact) {
      float[] there = expected.get("image").toFloats();
      float[] here = image.toFloats();
      for (int i = 0; i < here.length; i++) {
        assertTrue(Math.abs(here[i] - there[i]) <= 1, "pixel " + i);
      }
    }
  }
}
