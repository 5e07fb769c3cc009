package io.diffuse4j.core.scheduler;

/** The argument check that all schedulers share. */
final class Steps {
  private Steps() {}

  static void check(int steps, int begin, int maxSteps, String name) {
    if (steps < 1 || steps > maxSteps) {
      throw new IllegalArgumentException(
          String.format("%s takes 1 to %d steps, not %d", name, maxSteps, steps));
    }
    if (begin < 0 || begin >= steps) {
      throw new IllegalArgumentException(
          String.format("begin must be 0 to %d of %d steps, is %d", steps - 1, steps, begin));
    }
  }
}
