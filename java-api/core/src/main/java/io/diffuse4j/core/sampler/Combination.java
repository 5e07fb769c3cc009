package io.diffuse4j.core.sampler;

/**
 * A weighted sum of what a sampler has at hand after a network call. A term of weight 0 is not
 * read.
 *
 * @param x the latents that the network was fed, before the row's input scale
 * @param saved the saved sample
 * @param m the conversion of this call's output
 * @param m1 the conversion stored last
 * @param m2 the one stored before it
 * @param m3 the one before that
 * @param output the network's output itself, guided, neither converted nor clipped
 * @param noise a standard normal, scaled by the row's {@link NoiseScale}
 */
public record Combination(
    double x,
    double saved,
    double m,
    double m1,
    double m2,
    double m3,
    double output,
    double noise) {
  public static final Combination ZERO = new Combination(0, 0, 0, 0, 0, 0, 0, 0);

  /** {@code x * latents + m * conversion}: a first-order step. */
  public static Combination of(double x, double m) {
    return new Combination(x, 0, m, 0, 0, 0, 0, 0);
  }

  public Combination withX(double value) {
    return new Combination(value, saved, m, m1, m2, m3, output, noise);
  }

  public Combination withSaved(double value) {
    return new Combination(x, value, m, m1, m2, m3, output, noise);
  }

  /** The weights of the current and the three stored conversions. */
  public Combination withConversions(double m, double m1, double m2, double m3) {
    return new Combination(x, saved, m, m1, m2, m3, output, noise);
  }

  public Combination withOutput(double value) {
    return new Combination(x, saved, m, m1, m2, m3, value, noise);
  }

  public Combination withNoise(double value) {
    return new Combination(x, saved, m, m1, m2, m3, output, value);
  }

  /** This plus {@code factor} times {@code other}, term by term. */
  public Combination plus(double factor, Combination other) {
    return new Combination(
        x + factor * other.x,
        saved + factor * other.saved,
        m + factor * other.m,
        m1 + factor * other.m1,
        m2 + factor * other.m2,
        m3 + factor * other.m3,
        output + factor * other.output,
        noise + factor * other.noise);
  }

  /** In the order of {@code d4j_sampler_term}. */
  double[] terms() {
    return new double[] {x, saved, m, m1, m2, m3, output, noise};
  }

  /** How many stored conversions must exist for this sum. */
  int depth() {
    return m3 != 0 ? 3 : m2 != 0 ? 2 : m1 != 0 ? 1 : 0;
  }
}
