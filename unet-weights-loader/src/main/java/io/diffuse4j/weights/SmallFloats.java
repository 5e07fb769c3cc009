package io.diffuse4j.weights;

/**
 * Widening of the floating-point formats of at most 8 bits, each by a table of all its values.
 *
 * <p>Sources: OCP Microscaling Formats (MX) 1.0 for E2M1, E2M3, E3M2 and E8M0; arXiv:2209.05433 for
 * E5M2 and E4M3; arXiv:2206.02915 for the FNUZ forms.
 */
final class SmallFloats {
  private SmallFloats() {}

  /** The values of all {@code 2^bits} codes of {@code type}, a float type of at most 8 bits. */
  static float[] table(TensorDType type) {
    float[] table =
        switch (type) {
          case F4 -> values(2, 1, 1);
          case F6_E2M3 -> values(2, 3, 1);
          case F6_E3M2 -> values(3, 2, 3);
          case F8_E5M2 -> values(5, 2, 15);
          case F8_E4M3 -> values(4, 3, 7);
          case F8_E4M3FNUZ -> values(4, 3, 8);
          case F8_E5M2FNUZ -> values(5, 2, 16);
          case F8_E8M0 -> powersOfTwo();
          default -> throw new IllegalArgumentException(type + " has more than 8 bits");
        };
    switch (type) {
      case F8_E5M2 -> {
        for (int sign = 0; sign <= 0x80; sign += 0x80) {
          table[sign | 0x7c] = sign == 0 ? Float.POSITIVE_INFINITY : Float.NEGATIVE_INFINITY;
          for (int mantissa = 1; mantissa < 4; mantissa++) {
            table[sign | 0x7c | mantissa] = Float.NaN;
          }
        }
      }
      case F8_E4M3 -> {
        table[0x7f] = Float.NaN;
        table[0xff] = Float.NaN;
      }
      case F8_E4M3FNUZ, F8_E5M2FNUZ -> table[0x80] = Float.NaN;
      default -> {} // no special codes
    }
    return table;
  }

  /** sign, exponent, mantissa, with subnormals, every code a finite number. */
  private static float[] values(int exponentBits, int mantissaBits, int bias) {
    int magnitudes = 1 << (exponentBits + mantissaBits);
    float[] table = new float[2 * magnitudes];
    for (int code = 0; code < magnitudes; code++) {
      int exponent = code >>> mantissaBits;
      int mantissa = code & ((1 << mantissaBits) - 1);
      int significand = exponent == 0 ? mantissa : mantissa | 1 << mantissaBits;
      float value = Math.scalb((float) significand, Math.max(exponent, 1) - bias - mantissaBits);
      table[code] = value;
      table[code | magnitudes] = -value;
    }
    return table;
  }

  private static float[] powersOfTwo() {
    float[] table = new float[256];
    for (int code = 0; code < 255; code++) {
      table[code] = Math.scalb(1f, code - 127);
    }
    table[255] = Float.NaN;
    return table;
  }
}
