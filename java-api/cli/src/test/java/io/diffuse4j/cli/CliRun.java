package io.diffuse4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * A command that ran in this process.
 *
 * @param exitCode what the process would return
 * @param out standard output
 * @param err standard error
 */
record CliRun(int exitCode, String out, String err) {

  /** The words of a command, which have one space or several between them. */
  static List<String> words(String command) {
    return Stream.of(command.split(" +", -1)).filter(word -> !word.isEmpty()).toList();
  }

  /** Runs a command in {@code directory}; {@code err} is no terminal. */
  static CliRun of(Path directory, List<String> arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int exitCode =
        new CommandLineInterface(
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                directory,
                false)
            .run(arguments.toArray(String[]::new));
    return new CliRun(
        exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  static CliRun of(Path directory, String... arguments) {
    return of(directory, List.of(arguments));
  }

  /** Runs a command that must succeed without a word. */
  static void quietly(Path directory, List<String> arguments) {
    CliRun run = of(directory, arguments);
    assertEquals("", run.err(), () -> String.join(" ", arguments));
    assertEquals("", run.out());
    assertEquals(ExitCode.DONE, run.exitCode());
  }

  static void quietly(Path directory, String... arguments) {
    quietly(directory, List.of(arguments));
  }
}
