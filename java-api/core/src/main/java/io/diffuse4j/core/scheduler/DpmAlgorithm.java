package io.diffuse4j.core.scheduler;

import io.diffuse4j.core.sampler.Conversion;
import io.diffuse4j.core.sampler.Limit;
import io.diffuse4j.core.sampler.NoiseScale;
import io.diffuse4j.core.sampler.Row;

/**
 * The exponential integrators of DPM-Solver. With h = lambda_t - lambda_s, a step from s to t is
 *
 * <pre>x_t = x * x_s + d0 * D0 + d1 * D1 + d2 * D2 + noise * z</pre>
 *
 * where D0, D1, D2 estimate the integrated quantity (noise or x0) and its first two derivatives in
 * lambda, scaled by h and h². Multistep and singlestep methods, of any order, differ only in how
 * they estimate those.
 */
enum DpmAlgorithm {
  /** Integrates the noise (arXiv 2206.00927, equation 3.4). */
  DPM("dpmsolver"),
  /** Integrates x0 (arXiv 2211.01095, equation 9). */
  DPM_PLUS("dpmsolver++"),
  /** The reverse diffusion SDE, noise form (arXiv 2211.01095, section 5). */
  SDE_DPM("sde-dpmsolver"),
  /** The reverse diffusion SDE, x0 form (arXiv 2211.01095, section 5). */
  SDE_DPM_PLUS("sde-dpmsolver++");

  private final String field;

  DpmAlgorithm(String field) {
    this.field = field;
  }

  /** Its name in a configuration file. */
  String field() {
    return field;
  }

  boolean integratesX0() {
    return this == DPM_PLUS || this == SDE_DPM_PLUS;
  }

  /** The row of a step from s to t, with the noise of the SDE forms, which every call draws. */
  Row withNoise(Row row, Node s, Node t) {
    boolean draws = this == SDE_DPM || this == SDE_DPM_PLUS;
    return draws ? row.drawing(step(s, t).noise(), NoiseScale.ONE) : row;
  }

  Conversion conversion(Prediction prediction, Node at, Limit limit) {
    return integratesX0()
        ? prediction.toX0(at.alpha(), at.sigma(), limit)
        : prediction.toNoise(at.alpha(), at.sigma(), limit);
  }

  /**
   * @param d1Midpoint the weight of D1 in the midpoint form, which drops terms beyond its order
   * @param d1 the weight of D1 as integrated exactly ("heun")
   */
  record Step(double x, double d0, double d1Midpoint, double d1, double d2, double noise) {
    private static final Step NONE = new Step(1, 0, 0, 0, 0, 0);
  }

  Step step(Node s, Node t) {
    if (s.isClean()) {
      return Step.NONE;
    }
    if (t.isClean()) {
      return lastStep(s, t);
    }
    double h = t.lambda() - s.lambda();
    if (h == 0) {
      return Step.NONE;
    }
    return switch (this) {
      case DPM -> {
        double e = Math.expm1(h);
        double sigma = t.sigma();
        yield new Step(
            t.alpha() / s.alpha(),
            -sigma * e,
            -0.5 * sigma * e,
            -sigma * (e / h - 1),
            -sigma * ((e - h) / (h * h) - 0.5),
            0);
      }
      case DPM_PLUS -> {
        double e = Math.expm1(-h);
        double alpha = t.alpha();
        yield new Step(
            t.sigma() / s.sigma(),
            -alpha * e,
            -0.5 * alpha * e,
            alpha * (e / h + 1),
            -alpha * ((e + h) / (h * h) - 0.5),
            0);
      }
      case SDE_DPM -> {
        double e = Math.expm1(h);
        double sigma = t.sigma();
        yield new Step(
            t.alpha() / s.alpha(),
            -2 * sigma * e,
            -sigma * e,
            -2 * sigma * (e / h - 1),
            0,
            sigma * Math.sqrt(Math.max(0, Math.expm1(2 * h))));
      }
      case SDE_DPM_PLUS -> {
        double e = -Math.expm1(-2 * h);
        double alpha = t.alpha();
        yield new Step(
            t.sigma() / s.sigma() * Math.exp(-h),
            alpha * e,
            0.5 * alpha * e,
            alpha * (1 - e / (2 * h)),
            alpha * ((e - 2 * h) / (4 * h * h) - 0.5),
            t.sigma() * Math.sqrt(Math.max(0, e)));
      }
    };
  }

  /** The limit of a first-order step as sigma_t goes to 0; higher orders have none. */
  private Step lastStep(Node s, Node t) {
    double ratio = t.alpha() / s.alpha();
    return switch (this) {
      case DPM -> new Step(ratio, -ratio * s.sigma(), 0, 0, 0, 0);
      case SDE_DPM -> new Step(ratio, -2 * ratio * s.sigma(), 0, 0, 0, ratio * s.sigma());
      case DPM_PLUS, SDE_DPM_PLUS -> new Step(0, t.alpha(), 0, 0, 0, 0);
    };
  }
}
