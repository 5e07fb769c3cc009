package io.diffuse4j.cli;

/** A right command that cannot be carried out: exit code 1. The message says what to change. */
final class FailureException extends RuntimeException {
  private static final long serialVersionUID = 1;

  FailureException(String message) {
    super(message);
  }

  FailureException(String message, Throwable cause) {
    super(message, cause);
  }
}
