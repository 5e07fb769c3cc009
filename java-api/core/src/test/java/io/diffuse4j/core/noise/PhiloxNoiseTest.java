package io.diffuse4j.core.noise;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class PhiloxNoiseTest {
  private static float[] draw(long seed, int call, int n) {
    float[] values = new float[n];
    new PhiloxNoise().image(0, seed, 1, n).draw(call, values);
    return values;
  }

  @Test
  void theBlockFunctionGivesTheAuthorsTestVectors() {
    // kat_vectors of Random123: philox4x32, 10 rounds.
    int[] zero = new int[4];
    Philox.block(0, zero);
    assertArrayEquals(new int[] {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}, zero);
    int[] pi = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344};
    Philox.block(0x299f31d0a4093822L, pi);
    assertArrayEquals(new int[] {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}, pi);
  }

  @Test
  void theKernelsNormalsAreBoxMullerOfPhiloxInDouble() {
    long seed = 0x123456789abcdefL;
    float[] actual = draw(seed, 5, 100_003);
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < actual.length; i++) {
      int[] words = {i, 0, 5, 0};
      Philox.block(seed, words);
      double u = ((words[0] >>> 8) + 1) * 0x1p-24;
      double v = (words[1] & 0xffffffffL) * 0x1p-32;
      double expected = Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v);
      assertEquals(expected, actual[i], 2e-6, "element " + i);
      difference += (expected - actual[i]) * (expected - actual[i]);
      norm += expected * expected;
    }
    assertTrue(Math.sqrt(difference / norm) < 5e-7, "error " + Math.sqrt(difference / norm));
  }

  @Test
  void theyAreNormallyDistributed() {
    float[] values = draw(3, 0, 1 << 20);
    double n = values.length;
    double[] moments = new double[5];
    int beyond2 = 0;
    for (float v : values) {
      for (int k = 1; k <= 4; k++) {
        moments[k] += Math.pow(v, k) / n;
      }
      beyond2 += Math.abs(v) > 2 ? 1 : 0;
    }
    // Five standard errors of each: sqrt(1, 2, 15, 96 / n) and that of a proportion.
    assertEquals(0, moments[1], 5 * Math.sqrt(1 / n));
    assertEquals(1, moments[2], 5 * Math.sqrt(2 / n));
    assertEquals(0, moments[3], 5 * Math.sqrt(15 / n));
    assertEquals(3, moments[4], 5 * Math.sqrt(96 / n));
    assertEquals(0.0455003, beyond2 / n, 5 * Math.sqrt(0.0455 * 0.9545 / n));
  }

  @Test
  void seedCallAndInitialNoiseAreAllDifferentStreams() {
    float[] base = draw(9, 0, 256);
    float[] initial = new float[256];
    new PhiloxNoise().image(0, 9, 1, 256).initial(initial);
    assertTrue(!Arrays.equals(base, draw(10, 0, 256)));
    assertTrue(!Arrays.equals(base, draw(9 + (1L << 32), 0, 256)));
    assertTrue(!Arrays.equals(base, draw(9, 1, 256)));
    assertTrue(!Arrays.equals(base, initial));
    assertArrayEquals(base, draw(9, 0, 256));
  }
}
