package io.diffuse4j.natives;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A C program linked with {@code -lcuda} runs on the virtual GPU through LD_LIBRARY_PATH alone. */
class VirtualGpuCProgramTest {
  @TempDir static Path directory;

  private record Run(int exit, String output) {}

  @BeforeAll
  static void buildTheProgram() throws Exception {
    // Linked by its soname: the jar holds no libcuda.so without a version.
    Files.copy(VirtualGpuLibrary.path(), directory.resolve("libcuda.so.1"));
    String configured = System.getenv("CXX");
    String compiler = configured == null || configured.isBlank() ? "g++" : configured;
    Run built =
        run(
            List.of(
                compiler,
                "-x",
                "c",
                "-o",
                directory.resolve("axpy").toString(),
                Path.of("src/test/c/axpy.c").toAbsolutePath().toString(),
                "-L" + directory,
                "-l:libcuda.so.1"),
            "");
    assertEquals(0, built.exit(), built.output());
  }

  @Test
  void programComputesAndItsReportStaysEmpty() throws Exception {
    Path report = directory.resolve("clean.txt");
    Run run = axpy("check=all,report=" + report);
    assertEquals("NVIDIA A100-SXM4-80GB (virtual)\ncorrect\n", run.output());
    assertEquals(0, run.exit());
    assertFalse(Files.exists(report));
  }

  @Test
  void profileIsChosenByTheEnvironment() throws Exception {
    Run run = axpy("profile=rtx4090,schedule=reverse,memory=64M");
    assertEquals("NVIDIA GeForce RTX 4090 (virtual)\ncorrect\n", run.output());
  }

  @Test
  void leakIsReportedWhenTheContextEnds() throws Exception {
    Path report = directory.resolve("leak.txt");
    assertEquals(0, axpy("check=all,report=" + report, "leak").exit());
    String text = Files.readString(report);
    assertTrue(text.contains("400 bytes of device memory were not freed"), text);
    assertTrue(text.contains("cuMemAlloc_v2"), text);
    assertTrue(text.contains("axpy"), text);
  }

  @Test
  void writeBeyondTheArrayIsReportedWithItsAllocation() throws Exception {
    Path report = directory.resolve("beyond.txt");
    axpy("check=memory,report=" + report, "beyond");
    String text = Files.readString(report);
    assertTrue(text.contains("axpy"), text);
    assertTrue(text.contains("cuMemAlloc_v2"), text);
  }

  @Test
  void misspeltSettingStopsTheProgramWithAMessage() throws Exception {
    Run run = axpy("check=everything");
    assertEquals(1, run.exit());
    assertTrue(run.output().contains("check=everything: expected all, none"), run.output());
    assertTrue(run.output().contains("CUDA_ERROR_INVALID_VALUE"), run.output());
  }

  private static Run axpy(String settings, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(directory.resolve("axpy").toString()));
    command.addAll(List.of(arguments));
    return run(command, settings);
  }

  private static Run run(List<String> command, String settings)
      throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("LD_LIBRARY_PATH", directory.toString());
    builder.environment().put("DIFFUSE4J_VGPU", settings);
    Path output = Files.createTempFile(directory, "run", ".out");
    Process process = builder.redirectOutput(output.toFile()).start();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS), "the program does not end");
    return new Run(process.exitValue(), Files.readString(output));
  }
}
