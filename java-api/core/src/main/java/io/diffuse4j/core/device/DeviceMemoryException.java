package io.diffuse4j.core.device;

/** What was asked for does not fit the device's memory or the budget set for it. */
public final class DeviceMemoryException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final long needed;
  private final long budget;

  public DeviceMemoryException(String what, long needed, long budget) {
    super(
        String.format(
            "%s needs %,d bytes, but %,d are left; use a smaller size, a smaller batch or a"
                + " narrower dtype",
            what, needed, budget));
    this.needed = needed;
    this.budget = budget;
  }

  /** Bytes that were asked for. */
  public long needed() {
    return needed;
  }

  /** Bytes that were left. */
  public long budget() {
    return budget;
  }
}
