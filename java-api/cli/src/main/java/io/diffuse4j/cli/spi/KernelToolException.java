package io.diffuse4j.cli.spi;

/** A program that does not compile, or a launch that is refused. */
public final class KernelToolException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final String log;

  /**
   * @param message one line: what is wrong and what to change
   * @param log the compiler's messages; empty if there are none
   */
  public KernelToolException(String message, String log) {
    super(message);
    this.log = log;
  }

  /** The compiler's messages; empty if there are none. */
  public String log() {
    return log;
  }
}
