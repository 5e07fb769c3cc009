package io.diffuse4j.core.engine;

/** A request was cancelled through its {@link CancelToken}. */
public final class CancelledException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public CancelledException(String message) {
    super(message);
  }
}
