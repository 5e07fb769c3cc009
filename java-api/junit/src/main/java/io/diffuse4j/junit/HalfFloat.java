package io.diffuse4j.junit;

/** IEEE 754 binary16, as CUDA's {@code __half}: conversions that Java has only from version 20. */
final class HalfFloat {
  private static final int EXPONENT_BIAS_DIFFERENCE = 127 - 15;

  private HalfFloat() {}

  /** Rounds to nearest, ties to even; too large becomes infinite. */
  static short fromFloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      return (short) (sign | 0x7e00); // NaN, quiet
    }
    if (magnitude >= 0x47800000) {
      return (short) (sign | 0x7c00); // 2^16 and above, and infinity
    }
    if (magnitude < 0x38800000) {
      // Below 2^-14: subnormal. Multiples of 2^-24; the addition rounds for us.
      float shifted = Float.intBitsToFloat(magnitude) + 0.5f;
      return (short) (sign | (Float.floatToRawIntBits(shifted) - Float.floatToRawIntBits(0.5f)));
    }
    // Rebias, then round the 13 bits that fall away; a carry into the exponent is right.
    int rebiased = magnitude - (EXPONENT_BIAS_DIFFERENCE << 23);
    int rounded = rebiased + 0xfff + (rebiased >>> 13 & 1);
    return (short) (sign | rounded >>> 13);
  }

  static float toFloat(short half) {
    int sign = (half & 0x8000) << 16;
    int exponent = half >>> 10 & 0x1f;
    int fraction = half & 0x3ff;
    if (exponent == 0) {
      float magnitude = fraction * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    int bits =
        exponent == 0x1f
            ? 0x7f800000 | fraction << 13
            : (exponent + EXPONENT_BIAS_DIFFERENCE) << 23 | fraction << 13;
    return Float.intBitsToFloat(sign | bits);
  }
}
