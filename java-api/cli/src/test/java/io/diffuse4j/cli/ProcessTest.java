package io.diffuse4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The program as a process of its own. */
class ProcessTest {
  /** Long enough for a loaded machine. */
  private static final int PATIENCE_SECONDS = 240;

  @TempDir Path folder;

  private Path stream(String name) {
    return folder.resolveSibling(folder.getFileName() + "." + name);
  }

  private ProcessBuilder program(String command) {
    List<String> words = new ArrayList<>();
    words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    words.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    words.addAll(CliRun.words(command));
    return new ProcessBuilder(words)
        .directory(folder.toFile())
        .redirectOutput(stream("out").toFile())
        .redirectError(stream("err").toFile());
  }

  private static int exitCode(Process process) throws InterruptedException {
    assertTrue(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS), "it does not end");
    return process.exitValue();
  }

  private List<String> files() throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.map(path -> path.getFileName().toString()).toList();
    }
  }

  @Test
  void processWritesTheFileAndIsSilentAwayFromATerminal() throws Exception {
    Process process = program("generate --model digits-32 --label 3 --steps 2 --out x.png").start();
    assertEquals(ExitCode.DONE, exitCode(process));
    assertEquals("", Files.readString(stream("out")));
    assertEquals("", Files.readString(stream("err")));
    assertEquals(List.of("x.png"), files());
  }

  @Test
  void exitCodesTellWrongUsageFromFailure() throws Exception {
    assertEquals(ExitCode.WRONG_USAGE, exitCode(program("generate").start()));
    assertEquals(ExitCode.FAILED, exitCode(program("inspect --model nosuch").start()));
    assertEquals(1, Files.readAllLines(stream("err")).size());
    assertEquals(ExitCode.FAILED, exitCode(program("inspect --model nosuch --verbose").start()));
    assertTrue(Files.readString(stream("err")).contains("\tat io.diffuse4j."));
  }

  @Test
  void cacheThatCannotBeWrittenToIsNamed() throws Exception {
    // A file in the way stops even root.
    Path file = Files.createFile(folder.resolve("file"));
    ProcessBuilder inspect = program("inspect --model digits-32");
    inspect.environment().put("DIFFUSE4J_CACHE", file + File.separator + "cache");
    assertEquals(ExitCode.FAILED, exitCode(inspect.start()));
    assertTrue(Files.readString(stream("err")).contains("DIFFUSE4J_CACHE"));
    ProcessBuilder doctor = program("doctor");
    doctor.environment().put("DIFFUSE4J_CACHE", file + File.separator + "cache");
    assertEquals(ExitCode.FAILED, exitCode(doctor.start()));
    assertTrue(
        Files.readAllLines(stream("out")).stream()
            .anyMatch(line -> line.startsWith("problem") && line.contains("DIFFUSE4J_CACHE")));
  }

  @Test
  void interruptEndsARunningCommandAndLeavesNothing() throws Exception {
    // Where this JVM was started to ignore interrupts, so are its children.
    assumeFalse(ignoresInterrupts(), "interrupts are ignored here");
    Process process =
        program(
                "generate --model digits-32 --label 0,1,2,3,4,5,6,7,8,9 --guidance-scale 2"
                    + " --steps 1000 --out x.png --dump d.safetensors")
            .start();
    // By then it is sampling, which takes minutes of it.
    while (process.isAlive() && cpuTime(process).compareTo(Duration.ofSeconds(6)) < 0) {
      Thread.sleep(50);
    }
    assertTrue(process.isAlive(), Files.readString(stream("err")));
    assertEquals(
        0, new ProcessBuilder("kill", "-INT", String.valueOf(process.pid())).start().waitFor());
    assertEquals(ExitCode.INTERRUPTED, exitCode(process));
    assertEquals(
        List.of("diffuse4j generate: interrupted; nothing was written"),
        Files.readAllLines(stream("err")));
    assertEquals(List.of(), files());
  }

  private static Duration cpuTime(Process process) {
    return process.info().totalCpuDuration().orElse(Duration.ZERO);
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
