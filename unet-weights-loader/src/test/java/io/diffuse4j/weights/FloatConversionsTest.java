package io.diffuse4j.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** Against the definitions of the formats, written in float64 where every value is exact. */
class FloatConversionsTest {
  private static final int HALF_INFINITY = 0x7c00;
  private static final int BFLOAT16_INFINITY = 0x7f80;

  private static double halfByDefinition(int code) {
    int exponent = code >> 10 & 31;
    int fraction = code & 1023;
    double sign = (code & 0x8000) == 0 ? 1 : -1;
    if (exponent == 31) {
      return fraction == 0 ? sign * Double.POSITIVE_INFINITY : Double.NaN;
    }
    return exponent == 0
        ? sign * fraction * Math.pow(2, -24)
        : sign * (1024 + fraction) * Math.pow(2, exponent - 25);
  }

  private static double bfloat16ByDefinition(int code) {
    int exponent = code >> 7 & 255;
    int fraction = code & 127;
    double sign = (code & 0x8000) == 0 ? 1 : -1;
    if (exponent == 255) {
      return fraction == 0 ? sign * Double.POSITIVE_INFINITY : Double.NaN;
    }
    return exponent == 0
        ? sign * fraction * Math.pow(2, -133)
        : sign * (128 + fraction) * Math.pow(2, exponent - 134);
  }

  @Test
  void everyHalfWidensToItsValue() {
    for (int code = 0; code < 65536; code++) {
      double expected = halfByDefinition(code);
      assertEquals(expected, (double) FloatConversions.fromHalf((short) code), "code " + code);
    }
  }

  @Test
  void everyBfloat16WidensToItsValue() {
    for (int code = 0; code < 65536; code++) {
      double expected = bfloat16ByDefinition(code);
      assertEquals(expected, (double) FloatConversions.fromBfloat16((short) code), "code " + code);
    }
  }

  @Test
  void everyCodeSurvivesWideningAndNarrowingAndNanBecomesQuiet() {
    for (int code = 0; code < 65536; code++) {
      boolean halfNan = (code & 0x7fff) > HALF_INFINITY;
      assertEquals(
          halfNan ? code | 0x200 : code,
          FloatConversions.toHalf(FloatConversions.fromHalf((short) code)) & 0xffff);
      boolean bfloatNan = (code & 0x7fff) > BFLOAT16_INFINITY;
      assertEquals(
          bfloatNan ? code | 0x40 : code,
          FloatConversions.toBfloat16(FloatConversions.fromBfloat16((short) code)) & 0xffff);
    }
  }

  /** For each neighbouring pair the midpoint, which is a float32, and the float32s beside it. */
  @Test
  void halfRoundsToNearestAndTiesToEvenBetweenAllNeighbours() {
    for (int code = 0; code < HALF_INFINITY; code++) {
      double upper = code + 1 == HALF_INFINITY ? 65536 : halfByDefinition(code + 1);
      float middle = (float) ((halfByDefinition(code) + upper) / 2);
      int even = code + (code & 1);
      for (int sign = 0; sign <= 1; sign++) {
        float s = sign == 0 ? 1 : -1;
        int bit = sign << 15;
        assertEquals(bit | even, FloatConversions.toHalf(s * middle) & 0xffff);
        assertEquals(bit | code, FloatConversions.toHalf(s * Math.nextDown(middle)) & 0xffff);
        assertEquals(bit | code + 1, FloatConversions.toHalf(s * Math.nextUp(middle)) & 0xffff);
      }
    }
  }

  @Test
  void bfloat16RoundsToNearestAndTiesToEvenBetweenAllNeighbours() {
    for (int code = 0; code < BFLOAT16_INFINITY; code++) {
      float middle = Float.intBitsToFloat(code << 16 | 0x8000);
      int even = code + (code & 1);
      for (int sign = 0; sign <= 1; sign++) {
        float s = sign == 0 ? 1 : -1;
        int bit = sign << 15;
        assertEquals(bit | even, FloatConversions.toBfloat16(s * middle) & 0xffff);
        assertEquals(bit | code, FloatConversions.toBfloat16(s * Math.nextDown(middle)) & 0xffff);
        assertEquals(bit | code + 1, FloatConversions.toBfloat16(s * Math.nextUp(middle)) & 0xffff);
      }
    }
  }

  @Test
  void extremesOverflowUnderflowAndKeepTheirSign() {
    assertEquals(0x7c00, FloatConversions.toHalf(Float.MAX_VALUE));
    assertEquals(0x7c00, FloatConversions.toHalf(Float.POSITIVE_INFINITY));
    assertEquals(0xfc00, FloatConversions.toHalf(Float.NEGATIVE_INFINITY) & 0xffff);
    assertEquals(0, FloatConversions.toHalf(Float.MIN_VALUE));
    assertEquals(0x8000, FloatConversions.toHalf(-0f) & 0xffff);
    assertEquals(0x7f80, FloatConversions.toBfloat16(Float.MAX_VALUE));
    assertEquals(0, FloatConversions.toBfloat16(Float.MIN_VALUE));
    assertEquals(0x8000, FloatConversions.toBfloat16(-Float.MIN_VALUE) & 0xffff);
  }

  @Test
  void nanNeverBecomesInfinity() {
    // Payloads whose upper bits are zero would vanish if they were only cut off.
    for (int payload = 1; payload < 1 << 23; payload += 12_345) {
      for (int bits : new int[] {0x7f800000 | payload, 0xff800000 | payload, 0x7f800001}) {
        float nan = Float.intBitsToFloat(bits);
        assertTrue(Float.isNaN(FloatConversions.fromHalf(FloatConversions.toHalf(nan))));
        assertTrue(Float.isNaN(FloatConversions.fromBfloat16(FloatConversions.toBfloat16(nan))));
      }
    }
  }

  @Test
  void arrayFormsConvertExactlyTheirRange() {
    Random random = new Random(5);
    float[] floats = new float[1000];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = Float.intBitsToFloat(random.nextInt());
    }
    short[] halves = new short[1000];
    short[] bfloats = new short[1000];
    FloatConversions.toHalf(floats, 10, halves, 3, 900);
    FloatConversions.toBfloat16(floats, 10, bfloats, 3, 900);
    float[] backFromHalf = new float[1000];
    float[] backFromBfloat = new float[1000];
    FloatConversions.fromHalf(halves, 3, backFromHalf, 50, 900);
    FloatConversions.fromBfloat16(bfloats, 3, backFromBfloat, 50, 900);
    for (int i = 0; i < 1000; i++) {
      boolean narrowed = i >= 3 && i < 903;
      assertEquals(narrowed ? FloatConversions.toHalf(floats[i + 7]) : 0, halves[i]);
      assertEquals(narrowed ? FloatConversions.toBfloat16(floats[i + 7]) : 0, bfloats[i]);
      boolean widened = i >= 50 && i < 950;
      assertEquals(widened ? FloatConversions.fromHalf(halves[i - 47]) : 0, backFromHalf[i]);
      assertEquals(widened ? FloatConversions.fromBfloat16(bfloats[i - 47]) : 0, backFromBfloat[i]);
    }
  }
}
