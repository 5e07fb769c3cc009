package io.diffuse4j.cli.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Programs on the virtual GPU as processes of their own. */
class ProcessTest {
  /** Long enough for a loaded machine. */
  private static final int PATIENCE_SECONDS = 240;

  private static final String STORE =
      """
      .version 8.0
      .target sm_80
      .address_size 64
      .visible .entry store(.param .u64 p)
      {
        .reg .b64 %a;
        ld.param.u64 %a, [p];
      again:
        st.global.u32 [%a], 7;
        BRANCH
        ret;
      }
      """;

  @TempDir Path folder;

  @BeforeEach
  void writeFiles() throws IOException {
    Files.writeString(folder.resolve("store.ptx"), STORE.replace("BRANCH", ""));
    Files.writeString(folder.resolve("endless.ptx"), STORE.replace("BRANCH", "bra again;"));
  }

  private Process start(Map<String, String> environment, List<String> command) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output().toFile());
    builder.environment().putAll(environment);
    return builder.start();
  }

  private Path output() {
    return folder.resolveSibling(folder.getFileName() + ".out");
  }

  private static List<String> kernels(String arguments) {
    List<String> words = new ArrayList<>();
    words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    words.addAll(List.of("-cp", System.getProperty("java.class.path"), "io.diffuse4j.cli.Main"));
    words.add("kernels");
    words.addAll(List.of(arguments.split(" ", -1)));
    return words;
  }

  private static int exitCode(Process process) throws InterruptedException {
    assertTrue(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS), "it does not end");
    return process.exitValue();
  }

  private String run(int exitCode, Map<String, String> environment, List<String> command)
      throws Exception {
    Process process = start(environment, command);
    assertEquals(exitCode, exitCode(process), () -> String.join(" ", command));
    return Files.readString(output());
  }

  @Test
  void environmentConfiguresTheVirtualGpuButNotWhatOptionsSay() throws Exception {
    List<String> check =
        kernels("check store.ptx --kernel store --grid 1 --block 1 --arg out:u32[500000]");
    assertEquals("store: nothing found\n", run(0, Map.of(), check));
    String small = run(1, Map.of("DIFFUSE4J_VGPU", "memory=1M"), check);
    assertTrue(small.contains("2000000 bytes asked for"), small);
    assertTrue(small.contains("DIFFUSE4J_VGPU=memory=BYTES gives the virtual GPU more"), small);
    String wrong = run(1, Map.of("DIFFUSE4J_VGPU", "memory=much"), check);
    assertTrue(wrong.contains("memory=much: expected a size such as"), wrong);
    List<String> fault = kernels("check store.ptx --kernel store --grid 1 --block 1 --arg i64:0");
    String found = run(1, Map.of("DIFFUSE4J_VGPU", "check=none"), fault);
    assertTrue(found.startsWith("memcheck: "), found);
  }

  @Test
  void interruptEndsAKernelThatLoopsForEverAndLeavesNothing() throws Exception {
    assumeFalse(ignoresInterrupts(), "interrupts are ignored here");
    Process process =
        start(
            Map.of(),
            kernels(
                "check endless.ptx --kernel store --grid 1 --block 1 --arg out:u32[1] --limit 0"
                    + " --outputs out.safetensors"));
    // By then it is in the kernel, which nothing else takes so long.
    while (process.isAlive() && process.info().totalCpuDuration().orElseThrow().toSeconds() < 6) {
      Thread.sleep(50);
    }
    assertTrue(process.isAlive(), Files.readString(output()));
    new ProcessBuilder("kill", "-INT", String.valueOf(process.pid())).start().waitFor();
    assertEquals(130, exitCode(process));
    assertEquals(
        "diffuse4j kernels check: interrupted; nothing was written\n", Files.readString(output()));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(2, files.count());
    }
  }

  @Test
  void cProgramRunsOnTheLibraryThroughLdLibraryPath() throws Exception {
    String printed = run(0, Map.of(), kernels("library"));
    Path library = Path.of(printed.strip());
    assertEquals("libcuda.so.1", library.getFileName().toString());
    String directory = library.getParent().toString();
    String configured = System.getenv("CXX");
    Path program = folder.resolve("axpy");
    Path source =
        Path.of(System.getProperty("diffuse4j.home"), "native", "src", "test", "c", "axpy.c");
    run(
        0,
        Map.of(),
        List.of(
            configured == null || configured.isBlank() ? "g++" : configured,
            "-x",
            "c",
            "-o",
            program.toString(),
            source.toString(),
            "-L" + directory,
            "-l:libcuda.so.1"));
    Map<String, String> environment =
        Map.of(
            "LD_LIBRARY_PATH", directory, "DIFFUSE4J_VGPU", "profile=h100,check=all,report=stderr");
    String clean = run(0, environment, List.of(program.toString()));
    assertTrue(clean.contains("H100") && clean.endsWith("correct\n"), clean);
    String leak = run(0, environment, List.of(program.toString(), "leak"));
    assertTrue(leak.contains("400 bytes of device memory were not freed"), leak);
  }

  private static boolean ignoresInterrupts() throws IOException {
    long ignored =
        Files.readAllLines(Path.of("/proc/self/status")).stream()
            .filter(line -> line.startsWith("SigIgn:"))
            .mapToLong(line -> Long.parseUnsignedLong(line.substring(7).strip(), 16))
            .findFirst()
            .orElse(0);
    return (ignored & 0b10) != 0; // SIGINT is signal 2: the second bit
  }
}
