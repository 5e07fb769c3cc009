package io.diffuse4j.core.scheduler;

import io.diffuse4j.core.sampler.CoefficientTable;

/**
 * A sampling method with its settings: what builds the table that the sampler runs. Immutable, safe
 * for use by several threads.
 */
public interface Scheduler {
  /** diffusers' class name without its {@code Scheduler} ending. */
  String name();

  /** The largest number of steps: how many the model was trained with, for most. */
  int maxSteps();

  /**
   * The last {@code steps - begin} of {@code steps} steps, as a run from an image takes them.
   *
   * @param steps 1 to {@link #maxSteps}
   * @param begin how many steps are left out, 0 to {@code steps - 1}
   * @throws IllegalArgumentException if either is out of range
   */
  CoefficientTable table(int steps, int begin);

  /** All of {@code steps} steps, from pure noise. */
  default CoefficientTable table(int steps) {
    return table(steps, 0);
  }
}
