package io.diffuse4j.cli;

/** What the process returns. */
final class ExitCode {
  static final int DONE = 0;
  static final int FAILED = 1;
  static final int WRONG_USAGE = 2;

  /** 128 + SIGINT, as a shell reports a program that an interrupt ended. */
  static final int INTERRUPTED = 130;

  private ExitCode() {}
}
