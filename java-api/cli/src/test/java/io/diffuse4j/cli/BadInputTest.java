package io.diffuse4j.cli;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every wrong command: the exit code, one clear error, and nothing written. */
class BadInputTest {
  @TempDir static Path folder;

  /**
   * @param exitCode what it must return
   * @param message what the error must say
   * @param arguments separated by spaces; {@code GENERATE}, {@code MODULE} and {@code REPLAY} stand
   *     for what makes a whole command
   */
  record Case(int exitCode, String message, String arguments) {
    @Override
    public String toString() {
      return arguments + " -> " + message;
    }
  }

  @BeforeAll
  static void writeFiles() throws IOException {
    BadFiles.write(folder);
  }

  static Stream<Case> cases() {
    List<Case> cases = new ArrayList<>(usage());
    cases.addAll(failures());
    return cases.stream();
  }

  private static List<Case> usage() {
    return Stream.of(
            "Missing required subcommand|",
            "unknown verb 'paint'|paint",
            "unexpected argument 'dog'|GENERATE dog",
            "unknown option '--prompt'|GENERATE --prompt cat",
            "unknown option '--strength'|GENERATE --strength 1",
            "unknown option '--steps5'|GENERATE --steps5",
            "Missing required options|generate",
            "Missing required option: '--out|generate --model digits-32 --label 1",
            "required parameter for option '--steps'|GENERATE --steps",
            "option '--seed' (S) should be specified only once|GENERATE --seed 1 --seed 2",
            "--steps is '0'; it must be a whole number from 1|GENERATE --steps 0",
            "--steps is '-3'|GENERATE --steps -3",
            "--steps is 'ten'|GENERATE --steps ten",
            "--steps is '1.5'|GENERATE --steps 1.5",
            "--steps is '99999999999'|GENERATE --steps 99999999999",
            "1 to 1000 steps, not 1001|GENERATE --steps 1001",
            "--label is missing: digits-32 has the classes 0 to 10|generate --model digits-32 --out x.png",
            "--label is '11'; it must be whole numbers from 0 to 10|generate --model digits-32 --out x.png --label 11",
            "--label is '-1'|generate --model digits-32 --out x.png --label -1",
            "--label is '1,,2'|generate --model digits-32 --out x.png --label 1,,2",
            "--label is '1,x'|generate --model digits-32 --out x.png --label 1,x",
            "--label is for models with classes|generate --model plain --out x.png --label 1",
            "--guidance-scale is for models with classes|generate --model plain --out x.png --guidance-scale 2",
            "--count is '0'|GENERATE --count 0",
            "--count is '1001'|GENERATE --count 1001",
            "10000 images is the limit|generate --model digits-32 --out x --label 0,1,2,3,4,5,6,7,8,9,10 --count 1000",
            "make too large a PNG|GENERATE --count 1000 --height 2048 --width 2048",
            "--seed is '-1'|GENERATE --seed -1",
            "--seed is '1e3'|GENERATE --seed 1e3",
            "--seed is '9223372036854775807'|GENERATE --seed 9223372036854775807",
            "--guidance-scale is 'NaN'; it must be a number from -1000 to 1000|GENERATE --guidance-scale NaN",
            "--guidance-scale is 'Infinity'|GENERATE --guidance-scale Infinity",
            "--guidance-scale is '1001'|GENERATE --guidance-scale 1001",
            "--guidance-rescale is '1.1'; it must be a number from 0 to 1|GENERATE --guidance-rescale 1.1",
            "--height is '0'|GENERATE --height 0",
            "--width is '8193'|GENERATE --width 8193",
            "33x32; height and width must be|GENERATE --height 33",
            "--noise is 'gauss'; it must be philox, torch-cpu or torch-cuda|GENERATE --noise gauss",
            "--device is 'gpu'; it must be cpu|GENERATE --device gpu",
            "--threads is for the cpu device; leave it out|GENERATE --device virtual --threads 2",
            "--device is 'virtual:v100'; it must be virtual:a100|GENERATE --device virtual:v100",
            "--device is 'tpu'; it must be cpu, cuda|GENERATE --device tpu",
            "--dtype f16 is not for the cpu device; use --dtype f32 or --dtype bf16|GENERATE --dtype f16",
            "--dtype tf32 is not for the cpu|GENERATE --dtype tf32",
            "--dtype is 'fp8'; it must be f32, f16, bf16 or tf32|GENERATE --dtype fp8",
            "--threads is '0'|GENERATE --threads 0",
            "--memory-limit is '5X'|GENERATE --memory-limit 5X",
            "--memory-limit is '0'|GENERATE --memory-limit 0",
            "no scheduler 'nope'; there are|GENERATE --scheduler nope",
            "--steps is not for dpm-adaptive, which chooses them|GENERATE --scheduler dpm-adaptive --steps 5",
            "\"order\": expected a whole number from 2 to 3|GENERATE --scheduler dpm-adaptive --scheduler-option order=4",
            "FIELD=VALUE|GENERATE --scheduler-option solver_order",
            "no option nosuch|GENERATE --scheduler-option nosuch=1",
            "\"solver_order\": expected a whole number|GENERATE --scheduler-option solver_order=9",
            "prediction_type|GENERATE --scheduler-option prediction_type=guess",
            "--out is 'FOLDER/x.jpg'; it must be a file that ends in .png|generate --model digits-32 --label 1 --out x.jpg",
            "--dump and --out name the same file|GENERATE --dump x.png",
            "ask for 3 images, but --initial-noise has noise for 2|generate --model digits-32 --label 1,2,3 --initial-noise noise.safetensors --out x.png",
            "ask for 1 images, but --initial-noise has noise for 2|GENERATE --initial-noise noise.safetensors --count 1",
            "--height is 64, but --initial-noise has noise for 32|GENERATE --initial-noise noise.safetensors --height 64",
            "--model is ''|inspect --model=",
            "--module is 'brain'; it must be unet|MODULE --inputs in.safetensors --module brain",
            "--module vae-decoder is not built into this version|MODULE --inputs in.safetensors --module vae-decoder",
            "--steps: |REPLAY --steps 1001",
            "--steps is '0'|REPLAY --steps 0",
            "\"solver_type\"|REPLAY --steps 12 --scheduler-option solver_type=x")
        .map(line -> aCase(ExitCode.WRONG_USAGE, line))
        .toList();
  }

  private static List<Case> failures() {
    return Stream.of(
            "neither a folder nor a bundled model \"nosuch\"; bundled models: digits-32|inspect --model nosuch",
            "neither a folder nor a bundled model|generate --model noise.safetensors --label 1 --out x.png",
            "no model_index.json|generate --model empty --label 1 --out x.png",
            "no config.json|inspect --model empty",
            "_class_name|generate --model no-class --label 1 --out x.png",
            "truncated|generate --model cut-weights --label 1 --out x.png",
            "missing|generate --model no-weights --label 1 --out x.png",
            "conv_in.weight|generate --model other-shape --label 1 --out x.png",
            "text_encoder|generate --model text --label 1 --out x.png",
            "there is no folder|generate --model digits-32 --label 1 --out missing/x.png",
            "there is no folder|GENERATE --dump missing/x.safetensors",
            "is a file; name a folder|generate --model digits-32 --label 1 --out noise.safetensors.d",
            "is a folder; name a file|GENERATE --dump empty",
            "not a regular file|GENERATE --dump /dev/null",
            "/proc|generate --model digits-32 --label 1 --steps 1 --out /proc/x.png",
            "missing.safetensors: cannot be read: no such file|GENERATE --initial-noise missing.safetensors",
            "is a directory|GENERATE --initial-noise empty",
            "truncated|GENERATE --initial-noise cut.safetensors",
            "too few|GENERATE --initial-noise nothing.safetensors",
            "not a safetensors file|GENERATE --initial-noise text.safetensors",
            "not UTF-8|GENERATE --initial-noise latin1.safetensors",
            "initial_noise is missing|GENERATE --initial-noise in.safetensors",
            "holds NaN|GENERATE --initial-noise nan.safetensors",
            "[images, channels, height, width]|GENERATE --initial-noise flat.safetensors",
            "noise.000 is missing|GENERATE --initial-noise noise.safetensors --scheduler ddpm",
            "bytes, but|GENERATE --memory-limit 1M",
            "no such file|GENERATE --scheduler-config missing.json",
            "not valid JSON|GENERATE --scheduler-config cut.json",
            "_class_name|GENERATE --scheduler-config no-class.json",
            "\"solver_order\"|GENERATE --scheduler-config bad-order.json",
            "missing.safetensors: cannot be read|MODULE --module unet --inputs missing.safetensors",
            "'sample' is missing|MODULE --module unet --inputs noise.safetensors",
            "class_labels holds 12|MODULE --module unet --inputs label.safetensors",
            "sample holds NaN|MODULE --module unet --inputs in-nan.safetensors",
            "timestep is [3]|MODULE --module unet --inputs in-time.safetensors",
            "sample is [2, 3, 32, 32]|MODULE --module unet --inputs in-channels.safetensors",
            "there is no folder|module --model digits-32 --module unet --inputs in.safetensors --outputs missing/x",
            "2 recorded model outputs; 12 steps of this scheduler are 12 network calls|REPLAY --steps 12",
            "no tensor \"step.000.noise.0\"|REPLAY --steps 2 --scheduler-option algorithm_type=sde-dpmsolver++",
            "no such file|replay --scheduler-config missing.json --steps 2 --trajectory t.safetensors --outputs o",
            "step.001.model_output holds Infinity|replay --scheduler-config s.json --steps 2 --trajectory t-inf.safetensors --outputs o",
            "step.001.model_output is [1, 1, 4, 8]|replay --scheduler-config s.json --steps 2 --trajectory t-shape.safetensors --outputs o",
            "initial|replay --scheduler-config s.json --steps 2 --trajectory t-start.safetensors --outputs o")
        .map(line -> aCase(ExitCode.FAILED, line))
        .toList();
  }

  private static Case aCase(int exitCode, String line) {
    int bar = line.indexOf('|');
    return new Case(exitCode, line.substring(0, bar), line.substring(bar + 1));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void wrongCommandEndsWithOneClearErrorAndWritesNothing(Case wrong) throws IOException {
    List<String> arguments =
        CliRun.words(
            wrong
                .arguments()
                .replace("GENERATE", BadFiles.GENERATE)
                .replace("MODULE", BadFiles.MODULE)
                .replace("REPLAY", BadFiles.REPLAY));
    Map<String, Long> before = listing();
    CliRun run = CliRun.of(folder, arguments);
    assertAll(
        () -> assertEquals(wrong.exitCode(), run.exitCode(), run.err()),
        () -> assertEquals("", run.out()),
        () -> {
          String expected = wrong.message().replace("FOLDER", folder.toString());
          assertTrue(run.err().contains(expected), run.err());
        },
        () -> assertTrue(run.err().startsWith("diffuse4j"), run.err()),
        () -> assertTrue(run.err().lines().count() <= 2, run.err()),
        () -> assertFalse(run.err().contains("Exception"), run.err()),
        () -> assertEquals(before, listing()));
  }

  private static Map<String, Long> listing() throws IOException {
    Map<String, Long> sizes = new TreeMap<>();
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.toList()) {
        sizes.put(path.toString(), Files.isDirectory(path) ? -1 : Files.size(path));
      }
    }
    return sizes;
  }
}
