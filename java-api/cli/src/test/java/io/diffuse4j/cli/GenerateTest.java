package io.diffuse4j.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.weights.HostTensor;
import io.diffuse4j.weights.SafetensorsFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GenerateTest {
  private static final String TEN_DIGITS =
      "--label 0,1,2,3,4,5,6,7,8,9 --guidance-scale 2 --steps 20 --seed 7";

  @TempDir Path folder;

  private void generate(String options) {
    List<String> arguments = new ArrayList<>(List.of("generate", "--model", "digits-32"));
    arguments.addAll(CliRun.words(options));
    CliRun.quietly(folder, arguments);
  }

  private byte[] bytes(String file) throws IOException {
    return Files.readAllBytes(folder.resolve(file));
  }

  /** The grid's cell of an image. */
  private int[] cell(String file, int column) throws IOException {
    return PngFile.grey(folder.resolve(file), 32 * column, 0, 32, 32);
  }

  @Test
  void tenDigitsAreTheSameBytesOnEveryRun() throws IOException {
    generate(TEN_DIGITS + " --out a.png");
    generate(TEN_DIGITS + " --out b.png");
    assertArrayEquals(bytes("a.png"), bytes("b.png"));
    assertArrayEquals(new int[] {32, 320}, PngFile.size(folder.resolve("a.png")));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void digitThreeOfTheGridIsTheImageOfItsOwnSeed(int threads) throws IOException {
    generate(TEN_DIGITS + " --out grid.png --threads 2");
    generate(
        "--label 3 --guidance-scale 2 --steps 20 --seed 10 --out one.png --threads " + threads);
    int[] inGrid = cell("grid.png", 3);
    int[] alone = cell("one.png", 0);
    for (int i = 0; i < alone.length; i++) {
      assertTrue(Math.abs(inGrid[i] - alone[i]) <= 1, "pixel " + i);
    }
  }

  @Test
  void batchInvariantImagesAreTheSameAloneAndOnEveryThreadCount() throws IOException {
    generate(TEN_DIGITS + " --batch-invariant --threads 2 --out grid.png");
    for (int threads = 1; threads <= 2; threads++) {
      generate(
          "--label 3 --guidance-scale 2 --steps 20 --seed 10 --batch-invariant --out one.png"
              + " --threads "
              + threads);
      assertArrayEquals(cell("grid.png", 3), cell("one.png", 0), threads + " threads");
    }
  }

  @Test
  void folderHoldsNumberedImagesWithTheirOwnSeedsAndLabels() throws IOException {
    generate("--label 4,5 --count 2 --seed 20 --steps 3 --batch-invariant --out images");
    generate("--label 4,5 --count 2 --seed 20 --steps 3 --batch-invariant --out grid.png");
    try (Stream<Path> files = Files.list(folder.resolve("images"))) {
      assertEquals(
          List.of("000.png", "001.png", "002.png", "003.png"),
          files.map(file -> file.getFileName().toString()).sorted().toList());
    }
    for (int i = 0; i < 4; i++) {
      Map<String, String> texts = PngFile.texts(folder.resolve("images/00" + i + ".png"));
      assertEquals(i < 2 ? "4" : "5", texts.get("Label"));
      assertEquals(String.valueOf(20 + i), texts.get("Seed"));
      assertArrayEquals(cell("grid.png", i), cell("images/00" + i + ".png", 0));
    }
    // A folder that is there already keeps its other files.
    Files.writeString(folder.resolve("images/other"), "stays");
    generate("--label 4 --steps 2 --out images");
    assertEquals("stays", Files.readString(folder.resolve("images/other")));
    try (Stream<Path> files = Files.list(folder.resolve("images"))) {
      assertEquals(5, files.count());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--label 7 --seed 99 --steps 4",
        "--label 1,10 --count 2 --steps 3 --scheduler euler-a --guidance-scale 1.5"
            + " --guidance-rescale 0.7",
        "--label 2 --steps 5 --scheduler ddim --scheduler-option eta=0.5 --noise torch-cpu",
        "--label 2 --steps 3 --height 16 --width 48 --dtype bf16 --batch-invariant",
        "--label 3 --scheduler dpm-adaptive --scheduler-option rtol=0.5"
      })
  void commandInTheImageMakesTheImageAgain(String options) throws IOException {
    generate(options + " --out first.png");
    Map<String, String> texts = PngFile.texts(folder.resolve("first.png"));
    String command = texts.get("Command");
    assertTrue(command.startsWith("diffuse4j generate "), command);
    List<String> words = CliRun.words(command);
    CliRun.quietly(folder, words.subList(1, words.size()));
    assertArrayEquals(bytes("first.png"), bytes("image.png"));
  }

  @Test
  void textsSayHowTheImageWasMade() throws IOException {
    generate(TEN_DIGITS.replace("20", "2") + " --out a.png");
    Map<String, String> texts = PngFile.texts(folder.resolve("a.png"));
    assertEquals("Diffuse4J " + BuildVersion.text(), texts.get("Software"));
    assertEquals("digits-32", texts.get("Model"));
    assertEquals("0,1,2,3,4,5,6,7,8,9", texts.get("Label"));
    assertEquals("7", texts.get("Seed"));
    assertEquals("DPMSolverMultistep", texts.get("Scheduler"));
    assertEquals("2", texts.get("Steps"));
    assertEquals("2.0", texts.get("Guidance scale"));
    assertEquals("f32", texts.get("DType"));
  }

  @Test
  void dumpedNoiseMakesTheSameImageAgain() throws IOException {
    String options = "--label 8,3 --scheduler ddpm --steps 4 --guidance-scale 3";
    generate(options + " --seed 5 --out first.png --dump dump.safetensors");
    generate(options + " --initial-noise dump.safetensors --out again.png --dump d2.safetensors");
    assertArrayEquals(cell("first.png", 0), cell("again.png", 0));
    assertArrayEquals(cell("first.png", 1), cell("again.png", 1));
    assertEquals(
        "dump.safetensors", PngFile.texts(folder.resolve("again.png")).get("Initial noise"));
    try (SafetensorsFile dump = SafetensorsFile.open(folder.resolve("dump.safetensors"));
        SafetensorsFile second = SafetensorsFile.open(folder.resolve("d2.safetensors"))) {
      assertEquals(dump.names(), second.names());
      for (String name : dump.names()) {
        assertArrayEquals(dump.get(name).toFloats(), second.get(name).toFloats(), name);
      }
      // DDPM draws in every call but the last.
      assertTrue(dump.has("noise.002") && !dump.has("noise.003"));
    }
  }

  @Test
  void requestLongerThanABatchIsDumpedWhole() throws IOException {
    generate("--label 1 --count 12 --steps 2 --batch-invariant --out x --dump all.safetensors");
    generate("--label 1 --seed 11 --steps 2 --batch-invariant --out y --dump last.safetensors");
    try (SafetensorsFile all = SafetensorsFile.open(folder.resolve("all.safetensors"));
        SafetensorsFile last = SafetensorsFile.open(folder.resolve("last.safetensors"))) {
      for (String name : List.of("initial_noise", "latents.000", "latents.001", "image")) {
        HostTensor whole = all.get(name);
        assertArrayEquals(new long[] {12, 1, 32, 32}, whole.shape());
        float[] values = whole.toFloats();
        assertArrayEquals(
            last.get(name).toFloats(), Arrays.copyOfRange(values, 11 * 1024, 12 * 1024), name);
      }
    }
  }

  @Test
  void torchCpuNoiseIsWhatPyTorchDraws() throws IOException {
    generate("--label 1 --count 2 --steps 1 --noise torch-cpu --out x.png --dump d.safetensors");
    try (SafetensorsFile dump = SafetensorsFile.open(folder.resolve("d.safetensors"));
        SafetensorsFile torch =
            SafetensorsFile.open(Golden.folder("rng").resolve("torch_randn.safetensors"))) {
      float[] drawn = dump.get("initial_noise").toFloats();
      for (int image = 0; image < 2; image++) {
        // PyTorch draws in blocks of 16 from the front, and the last 16 of a length that is no
        // multiple anew: of 1000 and of our 1024 numbers, the first 984 are the same.
        float[] expected = torch.get("cpu.seed" + image + ".n1000").toFloats();
        // The tolerance is what PyTorch's own vector and scalar code differ by.
        assertArrayEquals(
            Arrays.copyOf(expected, 984),
            Arrays.copyOfRange(drawn, image * 1024, image * 1024 + 984),
            1e-6f);
      }
    }
  }

  @Test
  void unknownConfigurationFieldIsIgnoredWithOneWarning() throws IOException {
    Files.writeString(
        folder.resolve("s.json"),
        "{\"_class_name\": \"DDIMScheduler\", \"shiny\": 1, \"prediction_type\": \"v_prediction\"}");
    CliRun run =
        CliRun.of(
            folder,
            CliRun.words(
                "generate --model digits-32 --label 1 --steps 2 --scheduler-config s.json --out x.png"));
    assertEquals(ExitCode.DONE, run.exitCode());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().contains("warning") && run.err().contains("shiny"), run.err());
  }

  @Test
  void interruptedCommandSaysSoAndLeavesNothing() throws Exception {
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    CommandLineInterface cli =
        new CommandLineInterface(
            new PrintStream(OutputStream.nullOutputStream()),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            folder,
            false);
    cli.interrupt(0, TimeUnit.SECONDS);
    int code =
        cli.run(
            CliRun.words("generate --model digits-32 --label 1 --out x.png --dump d.safetensors")
                .toArray(String[]::new));
    assertEquals(ExitCode.INTERRUPTED, code);
    assertEquals(
        "diffuse4j generate: interrupted; nothing was written\n",
        err.toString(StandardCharsets.UTF_8));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(0, files.count());
    }
  }
}
