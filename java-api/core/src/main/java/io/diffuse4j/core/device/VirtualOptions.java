package io.diffuse4j.core.device;

import java.util.Objects;

/**
 * How the virtual device is set up. Checkers, counters and schedules are settings of the virtual
 * GPU itself: the environment variable {@code DIFFUSE4J_VGPU}.
 *
 * @param profile whose sizes and rates it has
 * @param memoryLimit budget in bytes for weights, activations and scratch
 */
public record VirtualOptions(VirtualProfile profile, long memoryLimit) {

  public VirtualOptions {
    Objects.requireNonNull(profile, "profile");
    if (memoryLimit < 1) {
      throw new IllegalArgumentException("memoryLimit is " + memoryLimit + "; it must be positive");
    }
  }

  /** An A100 without a budget. */
  public static VirtualOptions defaults() {
    return new VirtualOptions(VirtualProfile.A100, Long.MAX_VALUE);
  }

  public VirtualOptions withProfile(VirtualProfile value) {
    return new VirtualOptions(value, memoryLimit);
  }

  public VirtualOptions withMemoryLimit(long bytes) {
    return new VirtualOptions(profile, bytes);
  }
}
