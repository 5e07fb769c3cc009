package io.diffuse4j.weights;

/** A model's files cannot be used as they are: the message says which file or field, and why. */
public final class InvalidModelException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public InvalidModelException(String message) {
    super(message);
  }

  public InvalidModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
