package io.diffuse4j.cli.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.weights.SafetensorsFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The verbs on {@code --device virtual}: the same answers as on the cpu. */
class VirtualDeviceTest {
  @TempDir Path directory;

  private CliRun run(String command) {
    CliRun run = CliRun.of(directory, command);
    assertEquals(0, run.exitCode(), run.err());
    assertEquals("", run.err());
    return run;
  }

  private float[] latents(String file, int call) {
    try (SafetensorsFile dump = SafetensorsFile.open(directory.resolve(file))) {
      return dump.get(String.format("latents.%03d", call)).toFloats();
    }
  }

  @Test
  void generateFollowsTheCpuStepByStep() {
    String request =
        "generate --model digits-32 --label 3 --guidance-scale 2 --steps 2 --seed 5 --height 16"
            + " --width 16 --scheduler dpmpp-2m-sde ";
    run(request + "--device cpu --out cpu.png --dump cpu.safetensors");
    for (String dtype : List.of("f32", "f16")) {
      run(request + "--device virtual --out gpu.png --dump gpu.safetensors --dtype " + dtype);
      for (int call = 0; call < 2; call++) {
        float[] expected = latents("cpu.safetensors", call);
        float[] actual = latents("gpu.safetensors", call);
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
          difference += Math.pow(actual[i] - expected[i], 2);
          norm += Math.pow(expected[i], 2);
        }
        double error = Math.sqrt(difference / norm);
        assertTrue(error <= (dtype.equals("f32") ? 1e-4 : 3e-3), dtype + " " + call + ": " + error);
      }
      assertTrue(Files.exists(directory.resolve("gpu.png")));
    }
  }

  @Test
  void inspectPlansTheMemoryOfTheDevice() {
    String text = run("inspect --model digits-32 --device virtual --dtype f16").out();
    assertTrue(text.contains("virtual") && text.contains("f16"), text);
  }

  @Test
  void aBudgetThatCannotBeMetIsRefusedWithTheFigureAndLeavesNoFile() {
    CliRun run =
        CliRun.of(
            directory,
            "generate --model digits-32 --label 1 --device virtual --memory-limit 9M --out x.png");
    assertEquals(1, run.exitCode());
    assertTrue(run.err().contains("bytes"), run.err());
    assertTrue(Files.notExists(directory.resolve("x.png")));
  }

  @Test
  void doctorNamesTheVirtualDevice() {
    String text = CliRun.of(directory, "doctor").out();
    assertTrue(text.contains("virtual, NVIDIA"), text);
  }
}
