package io.diffuse4j.core.scheduler;

/**
 * numpy's float32 logarithm, which is off by one in the last bit for one argument in twelve. Those
 * bits reach the timesteps of Karras and similar levels, which are exact numbers that a network is
 * fed; so they are kept.
 */
final class FloatLog {
  // The minimax quotient of two polynomials for log(1 + z), 1 + z in [sqrt(1/2), sqrt(2)).
  private static final float[] NUMERATOR = {
    0.025899792f, 0.38088378f, 1.4800006f, 2.1126776f, 1.0f, 0
  };
  private static final float[] DENOMINATOR = {
    0.0058750953f, 0.15464763f, 0.9864943f, 2.453006f, 2.6126776f, 1
  };
  private static final float LN_2 = 0.6931472f;

  private FloatLog() {}

  /** Of a positive normal number; that of 0 is minus infinity. */
  static float log(float x) {
    if (x < Float.MIN_NORMAL) {
      return (float) Math.log(x);
    }
    int exponent = Math.getExponent(x) + 1;
    float mantissa = Math.scalb(x, -exponent); // [1/2, 1)
    if (mantissa <= (float) Math.sqrt(0.5)) {
      mantissa += mantissa;
      exponent--;
    }
    float z = mantissa - 1;
    return Math.fma((float) exponent, LN_2, polynomial(NUMERATOR, z) / polynomial(DENOMINATOR, z));
  }

  private static float polynomial(float[] coefficients, float z) {
    float value = coefficients[0];
    for (int i = 1; i < coefficients.length; i++) {
      value = Math.fma(value, z, coefficients[i]);
    }
    return value;
  }
}
