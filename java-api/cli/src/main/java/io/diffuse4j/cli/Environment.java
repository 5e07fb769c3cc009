package io.diffuse4j.cli;

import io.diffuse4j.core.engine.CancelToken;
import java.io.PrintStream;
import java.nio.file.Path;

/**
 * What a command works with besides its options.
 *
 * @param out standard output
 * @param err standard error
 * @param directory what relative paths are relative to
 * @param terminal whether {@code err} is a terminal, so that progress is worth showing
 * @param cancel set when the user interrupts
 * @param outputs files to write
 */
record Environment(
    PrintStream out,
    PrintStream err,
    Path directory,
    boolean terminal,
    CancelToken cancel,
    StagedOutputs outputs) {

  /** A path as the caller means it. */
  Path resolve(Path path) {
    return directory.resolve(path);
  }

  /** One line that does not stop the command. */
  void warn(String message) {
    err.println("diffuse4j: warning: " + message);
  }

  /** The progress of the work that starts now; close it when the work ends. */
  ProgressLine progress() {
    return new ProgressLine(
        terminal ? err : new PrintStream(PrintStream.nullOutputStream()), System::nanoTime);
  }
}
