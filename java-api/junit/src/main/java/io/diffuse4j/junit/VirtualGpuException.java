package io.diffuse4j.junit;

/** A driver call that failed. */
public final class VirtualGpuException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final String call;
  private final int code;

  VirtualGpuException(String call, int code, String message) {
    super(message.isEmpty() ? call + " failed with CUresult " + code : message);
    this.call = call;
    this.code = code;
  }

  /** The driver API function, such as {@code cuLaunchKernel}. */
  public String call() {
    return call;
  }

  /** The CUresult that it returned. */
  public int code() {
    return code;
  }
}
