package io.diffuse4j.cli;

/** The command line asks for what cannot be: exit code 2. The message says what to change. */
final class UsageException extends RuntimeException {
  private static final long serialVersionUID = 1;

  UsageException(String message) {
    super(message);
  }

  UsageException(String message, Throwable cause) {
    super(message, cause);
  }
}
