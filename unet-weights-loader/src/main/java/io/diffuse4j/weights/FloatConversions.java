package io.diffuse4j.weights;

/**
 * Conversions between float32 and the two 16-bit floating-point formats. Narrowing rounds to
 * nearest, ties to even; values beyond the largest finite number become infinite; NaN stays NaN,
 * made quiet, with the upper bits of its payload. Widening is exact. The array forms are plain
 * counted loops without calls that stay calls, which C2 turns into vector code.
 */
public final class FloatConversions {
  /** float32 bits of 2^16: from here on a number is infinite in binary16, whatever the rounding. */
  private static final int HALF_OVERFLOW = 0x47800000;

  /** float32 bits of 2^-14, the smallest normal number of binary16. */
  private static final int HALF_MIN_NORMAL = 0x38800000;

  /** The difference of the exponent biases (127 - 15) in a float32's exponent field. */
  private static final int BIAS_DIFFERENCE = 112 << 23;

  private static final int INFINITY = 0x7f800000;

  private FloatConversions() {}

  /** The float32 of IEEE binary16 bits. */
  public static float fromHalf(short half) {
    int magnitude = (half & 0x7fff) << 13;
    int bits;
    if (magnitude >= 0x0f800000) { // exponent 31: infinity or NaN
      bits = magnitude | INFINITY;
    } else if (magnitude < 0x00800000) { // exponent 0: m·2^-24, exact as (2^-14 + m·2^-24) - 2^-14
      float shifted = Float.intBitsToFloat(magnitude + HALF_MIN_NORMAL);
      bits = Float.floatToRawIntBits(shifted - Float.intBitsToFloat(HALF_MIN_NORMAL));
    } else {
      bits = magnitude + BIAS_DIFFERENCE;
    }
    return Float.intBitsToFloat(bits | (half & 0x8000) << 16);
  }

  /** IEEE binary16 bits of a float32. */
  public static short toHalf(float value) {
    int bits = Float.floatToRawIntBits(value);
    int magnitude = bits & 0x7fffffff;
    int half;
    if (magnitude >= HALF_OVERFLOW) {
      half = magnitude > INFINITY ? 0x7e00 | (magnitude >>> 13 & 0x3ff) : 0x7c00;
    } else if (magnitude < HALF_MIN_NORMAL) {
      // A float32 in [0.5, 1) has steps of 2^-24, those of a subnormal half: the adder rounds.
      half = Float.floatToRawIntBits(Float.intBitsToFloat(magnitude) + 0.5f) - 0x3f000000;
    } else {
      // Half a step less one, plus the last kept bit: ties go to even. A carry out of the largest
      // finite number gives infinity's bits.
      half = (magnitude + 0xfff + (magnitude >>> 13 & 1) - BIAS_DIFFERENCE) >>> 13;
    }
    return (short) (half | (bits >>> 16 & 0x8000));
  }

  /** The float32 of bfloat16 bits. */
  public static float fromBfloat16(short bfloat) {
    return Float.intBitsToFloat(bfloat << 16);
  }

  /** bfloat16 bits of a float32. */
  public static short toBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int rounded = (bits + 0x7fff + (bits >>> 16 & 1)) >>> 16;
    int quiet = bits >>> 16 | 0x40;
    return (short) ((bits & 0x7fffffff) > INFINITY ? quiet : rounded);
  }

  /** Widens {@code count} binary16 numbers. */
  public static void fromHalf(short[] from, int fromIndex, float[] to, int toIndex, int count) {
    for (int i = 0; i < count; i++) {
      to[toIndex + i] = fromHalf(from[fromIndex + i]);
    }
  }

  /** Narrows {@code count} numbers to binary16. */
  public static void toHalf(float[] from, int fromIndex, short[] to, int toIndex, int count) {
    for (int i = 0; i < count; i++) {
      to[toIndex + i] = toHalf(from[fromIndex + i]);
    }
  }

  /** Widens {@code count} bfloat16 numbers. */
  public static void fromBfloat16(short[] from, int fromIndex, float[] to, int toIndex, int count) {
    for (int i = 0; i < count; i++) {
      to[toIndex + i] = fromBfloat16(from[fromIndex + i]);
    }
  }

  /** Narrows {@code count} numbers to bfloat16. */
  public static void toBfloat16(float[] from, int fromIndex, short[] to, int toIndex, int count) {
    for (int i = 0; i < count; i++) {
      to[toIndex + i] = toBfloat16(from[fromIndex + i]);
    }
  }
}
