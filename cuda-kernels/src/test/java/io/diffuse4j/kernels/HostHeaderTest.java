package io.diffuse4j.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The headers that kernels and host share, compiled by the host's compiler and checked there. */
class HostHeaderTest {
  @TempDir Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"swizzle_test", "tiles_test"})
  void hostChecksPass(String name) throws Exception {
    String configured = System.getenv("CXX");
    String compiler = configured == null || configured.isBlank() ? "g++" : configured;
    Path program = directory.resolve(name);
    List<String> command =
        new ArrayList<>(List.of(compiler, "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror"));
    command.addAll(List.of("-I.", "test/" + name + ".cpp", "-o", program.toString()));
    run(command);
    run(List.of(program.toString()));
  }

  private static void run(List<String> command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String log = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor(60, TimeUnit.SECONDS);
    assertEquals(0, process.exitValue(), () -> String.join(" ", command) + "\n" + log);
  }
}
