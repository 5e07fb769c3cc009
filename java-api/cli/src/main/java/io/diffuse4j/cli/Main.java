package io.diffuse4j.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** The process: streams, signals and the exit code. */
public final class Main {
  /** How long an interrupt waits for the network call that is running. */
  private static final int PATIENCE_SECONDS = 30;

  private Main() {}

  public static void main(String[] arguments) {
    CommandLineInterface cli =
        new CommandLineInterface(System.out, System.err, Path.of(""), isTerminal(2));
    // Ctrl-C ends the JVM through its shutdown hooks, with exit code 130; so does kill, with 143.
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> cli.interrupt(PATIENCE_SECONDS, TimeUnit.SECONDS), "interrupt"));
    System.exit(cli.run(arguments));
  }

  /**
   * Whether a file descriptor of this process is a terminal. {@code System.console()} cannot tell:
   * up to Java 21 it asks about standard input and output, and from 22 on it is always there. Where
   * there is no /proc, the answer is no, and progress is not shown.
   */
  private static boolean isTerminal(int descriptor) {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
      return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
    } catch (IOException e) {
      return false;
    }
  }
}
