package io.diffuse4j.core.sampler;

/**
 * From the network's output to what the solver integrates: {@code x0 = x0FromX x + x0FromOutput
 * output}, limited, then {@code m = mFromX x + mFromX0 x0}. Every prediction type is of this form,
 * and so is going back from a limited x0 to noise.
 */
public record Conversion(
    double x0FromX, double x0FromOutput, Limit limit, double mFromX, double mFromX0) {

  /** m is the network's output itself. */
  public static final Conversion OUTPUT = new Conversion(0, 1, Limit.NONE, 0, 1);

  /** m is the limited x0. */
  public static Conversion toX0(double x0FromX, double x0FromOutput, Limit limit) {
    return new Conversion(x0FromX, x0FromOutput, limit, 0, 1);
  }
}
