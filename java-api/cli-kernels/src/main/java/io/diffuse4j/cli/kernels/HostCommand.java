package io.diffuse4j.cli.kernels;

import io.diffuse4j.cli.spi.KernelToolException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Programs of the host: compilers, and what they make. */
final class HostCommand {
  /** What a program that has ended left behind. */
  record Outcome(int status, String output) {}

  private HostCommand() {}

  static Outcome run(List<String> command, Path directory) throws IOException {
    return run(command, directory, Map.of());
  }

  /**
   * Runs a program to its end.
   *
   * @param environment variables to set
   * @return its exit status, and what it wrote to standard output and error
   */
  static Outcome run(List<String> command, Path directory, Map<String, String> environment)
      throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true);
    builder.environment().putAll(environment);
    Process process = builder.start();
    // Nobody would be left to read what it writes.
    Thread end = new Thread(process::destroy);
    Runtime.getRuntime().addShutdownHook(end);
    try {
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return new Outcome(process.waitFor(), output.strip());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new KernelToolException("interrupted while " + command.get(0) + " ran", "");
    } finally {
      process.destroy();
      Runtime.getRuntime().removeShutdownHook(end);
    }
  }
}
