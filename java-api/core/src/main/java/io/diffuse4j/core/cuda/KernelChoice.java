package io.diffuse4j.core.cuda;

import io.diffuse4j.core.device.PlannedMemory;

/**
 * What was measured of one op shape, and so which kernels compute it.
 *
 * @param shape of the op, as text
 * @param milliseconds of our kernels
 * @param foreignMilliseconds of the foreign kernels; NaN if they do not compute it
 * @param workspaceBytes that the foreign kernels need, counted in {@link PlannedMemory#planBytes}
 */
public record KernelChoice(
    String shape, double milliseconds, double foreignMilliseconds, long workspaceBytes) {

  /** What the foreign library does not compute, or not well. */
  static KernelChoice ours(String shape) {
    return new KernelChoice(shape, Double.NaN, Double.NaN, 0);
  }

  /** Whether both computed it and were timed. */
  public boolean isMeasured() {
    return !Double.isNaN(foreignMilliseconds);
  }

  /** Whether the foreign kernels are used: only where they are faster. */
  public boolean isForeign() {
    return foreignMilliseconds < milliseconds;
  }
}
