package io.diffuse4j.core.device;

/** A call to a device failed. */
public final class DeviceException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final String call;
  private final int code;

  public DeviceException(String call, int code, String reason) {
    super(call + " failed (" + code + "): " + reason);
    this.call = call;
    this.code = code;
  }

  /** The native function that failed. */
  public String call() {
    return call;
  }

  /** Its status. */
  public int code() {
    return code;
  }
}
