package io.diffuse4j.core.scheduler;

import java.util.Arrays;

/**
 * Which of the training timesteps a run visits (arXiv 2305.08891, table 2), descending. Always as
 * many as asked for, and never past the last that was trained; timesteps may repeat when nearly all
 * of them are visited.
 */
enum Spacing {
  LINSPACE,
  LEADING,
  TRAILING;

  static Spacing of(SchedulerFields fields, Spacing defaultValue) {
    String name =
        fields.oneOf(
            "timestep_spacing",
            defaultValue == LEADING ? "leading" : "linspace",
            "linspace",
            "leading",
            "trailing");
    return switch (name) {
      case "leading" -> LEADING;
      case "trailing" -> TRAILING;
      default -> LINSPACE;
    };
  }

  /** From the last timestep to the first, both visited. */
  double[] visitingBothEnds(int steps, int trained, int offset, boolean whole) {
    return select(steps, steps, trained, trained, offset, whole);
  }

  /** One timestep more is spread out, and its last, the end of the run, dropped. */
  double[] beforeTheEnd(int steps, int end, int trained, int offset) {
    return select(steps, steps + 1, end, trained, offset, true);
  }

  private double[] select(int steps, int points, int end, int trained, int offset, boolean whole) {
    double[] t = new double[steps];
    for (int i = 0; i < steps; i++) {
      int fromStart = points - 1 - i;
      t[i] =
          switch (this) {
            case LINSPACE -> fromStart == 0 ? 0 : linear(fromStart, points - 1, end - 1, whole);
            case LEADING -> fromStart * Math.floorDiv(end, points) + offset;
            case TRAILING -> Math.rint(descending(end, (double) end / steps, i)) - 1;
          };
    }
    return Arrays.stream(t).map(v -> Math.max(0, Math.min(v, trained - 1))).toArray();
  }

  private static double linear(int i, int intervals, int end, boolean whole) {
    double value = i == intervals ? end : i * ((double) end / intervals);
    // Timesteps that a network reads as float32 are computed from as such.
    return whole ? Math.rint(value) : (float) value;
  }

  /** The i-th element of numpy's arange(end, 0, -step), whose increment is a rounded difference. */
  private static double descending(double end, double step, int i) {
    double increment = (end - step) - end;
    return end + i * increment;
  }
}
