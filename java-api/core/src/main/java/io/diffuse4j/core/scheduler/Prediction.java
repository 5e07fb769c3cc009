package io.diffuse4j.core.scheduler;

import io.diffuse4j.core.sampler.Conversion;
import io.diffuse4j.core.sampler.Limit;

/** What the network predicts, for x = alpha x0 + sigma eps. */
enum Prediction {
  EPSILON("epsilon"),
  SAMPLE("sample"),
  /** v = alpha eps - sigma x0 (arXiv 2202.00512, appendix D). */
  V("v_prediction");

  /**
   * The least alpha that x0 is divided out by: a terminal SNR of zero leaves nothing to divide, and
   * this is what diffusers puts there where it thought of it.
   */
  private static final double LEAST_ALPHA = Math.sqrt(0x1p-24);

  private final String field;

  Prediction(String field) {
    this.field = field;
  }

  /** Its name in a configuration file. */
  String field() {
    return field;
  }

  /** m is x0. Needs alpha² + sigma² = 1 for v. */
  Conversion toX0(double alpha, double sigma, Limit limit) {
    return switch (this) {
      case EPSILON -> {
        double divisor = Math.max(alpha, LEAST_ALPHA);
        yield Conversion.toX0(1 / divisor, -sigma / divisor, limit);
      }
      case SAMPLE -> Conversion.toX0(0, 1, limit);
      case V -> Conversion.toX0(alpha, -sigma, limit);
    };
  }

  /** m is the noise eps; that of the limited x0, if it is limited. */
  Conversion toNoise(double alpha, double sigma, Limit limit) {
    double inverse = sigma == 0 ? 0 : 1 / sigma;
    if (limit != Limit.NONE) {
      Conversion x0 = toX0(alpha, sigma, limit);
      return new Conversion(x0.x0FromX(), x0.x0FromOutput(), limit, inverse, -alpha * inverse);
    }
    // Linear all the way: what the row calls x0 is the noise already, without a division and back.
    return switch (this) {
      case EPSILON -> Conversion.OUTPUT;
      case SAMPLE -> Conversion.toX0(inverse, -alpha * inverse, Limit.NONE);
      case V -> Conversion.toX0(sigma, alpha, Limit.NONE);
    };
  }

  /**
   * m is the derivative dx/dsigma = (x - x0) / sigma of x = x0 + sigma eps, whose network sees x /
   * sqrt(sigma² + 1) (arXiv 2206.00364, equation 3).
   */
  Conversion toDerivative(double sigma, Limit limit) {
    double a = 1 / Math.sqrt(sigma * sigma + 1);
    double inverse = sigma == 0 ? 0 : 1 / sigma;
    if (limit != Limit.NONE) {
      double fromX = this == V ? a * a : this == EPSILON ? 1 : 0;
      double fromOutput = this == V ? -sigma * a : this == EPSILON ? -sigma : 1;
      return new Conversion(fromX, fromOutput, limit, inverse, -inverse);
    }
    return switch (this) {
      case EPSILON -> Conversion.OUTPUT;
      case SAMPLE -> Conversion.toX0(inverse, -inverse, Limit.NONE);
      case V -> Conversion.toX0(sigma * a * a, a, Limit.NONE);
    };
  }
}
