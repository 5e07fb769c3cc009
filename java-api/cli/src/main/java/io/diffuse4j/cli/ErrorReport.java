package io.diffuse4j.cli;

import io.diffuse4j.core.device.DeviceException;
import io.diffuse4j.core.device.DeviceMemoryException;
import io.diffuse4j.core.engine.CancelledException;
import io.diffuse4j.weights.InvalidModelException;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import picocli.CommandLine;

/**
 * What the user is told about an exception: one or two lines, and an exit code.
 *
 * @param lines what is wrong and what to change
 * @param exitCode what the process returns
 */
record ErrorReport(List<String> lines, int exitCode) {

  /** The report for an exception that {@code command} ended with. */
  static ErrorReport of(CommandLine command, Throwable e) {
    if (e instanceof UsageException) {
      return wrongUsage(command, e.getMessage());
    }
    if (e instanceof CancelledException) {
      return one(command, "interrupted; nothing was written", ExitCode.INTERRUPTED);
    }
    if (e instanceof IOException io) {
      return failed(
          command,
          String.valueOf(io.getMessage()).equals(IoReason.of(io))
              ? IoReason.of(io)
              : io.getMessage() + ": " + IoReason.of(io));
    }
    if (e instanceof FailureException
        || e instanceof InvalidModelException
        || e instanceof DeviceException
        || e instanceof DeviceMemoryException) {
      return failed(command, e.getMessage());
    }
    if (e instanceof OutOfMemoryError) {
      return failed(
          command,
          "out of Java memory ("
              + e.getMessage()
              + "); ask for fewer or smaller images, or set"
              + " JAVA_TOOL_OPTIONS=-Xmx...");
    }
    if (e instanceof LinkageError) {
      return failed(
          command, "native code cannot be loaded: " + e + "; 'diffuse4j doctor' says more");
    }
    return failed(command, "internal error: " + e + "; --verbose prints where");
  }

  /** The report for a command line that cannot be. */
  static ErrorReport wrongUsage(CommandLine command, String message) {
    String name = command.getCommandSpec().qualifiedName();
    return new ErrorReport(
        List.of(name + ": " + oneLine(message), "'" + name + " --help' lists what can be."),
        ExitCode.WRONG_USAGE);
  }

  private static ErrorReport failed(CommandLine command, String message) {
    return one(command, message, ExitCode.FAILED);
  }

  private static ErrorReport one(CommandLine command, String message, int exitCode) {
    String name = command.getCommandSpec().qualifiedName();
    return new ErrorReport(List.of(name + ": " + oneLine(message)), exitCode);
  }

  /** Control characters, which may come from a file or an argument, would break the line. */
  private static String oneLine(String message) {
    return String.valueOf(message).strip().replaceAll("\\R\\s*", " ").replaceAll("\\p{Cntrl}", "?");
  }

  void print(PrintStream err) {
    lines.forEach(err::println);
  }
}
