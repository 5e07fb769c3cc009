package io.diffuse4j.junit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class HalfFloatTest {
  @Test
  void everyHalfSurvivesTheWayToFloatAndBack() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float value = HalfFloat.toFloat((short) bits);
      if (Float.isNaN(value)) {
        assertTrue(Float.isNaN(HalfFloat.toFloat(HalfFloat.fromFloat(value))));
      } else {
        assertEquals((short) bits, HalfFloat.fromFloat(value), "bits " + bits);
      }
    }
  }

  @Test
  void roundsToTheNearestAndTiesToEven() {
    for (int bits = 0; bits < 0x7bff; bits++) {
      float low = HalfFloat.toFloat((short) bits);
      float high = HalfFloat.toFloat((short) (bits + 1));
      float middle = (low + high) / 2; // exact: one more bit of fraction
      assertEquals((short) (bits + bits % 2), HalfFloat.fromFloat(middle), "bits " + bits);
      assertEquals((short) bits, HalfFloat.fromFloat(Math.nextDown(middle)), "bits " + bits);
      assertEquals((short) (bits + 1), HalfFloat.fromFloat(Math.nextUp(middle)), "bits " + bits);
    }
    assertEquals((short) 0x7c00, HalfFloat.fromFloat(65520f));
    assertEquals((short) 0x7bff, HalfFloat.fromFloat(Math.nextDown(65520f)));
    assertEquals((short) 0x8000, HalfFloat.fromFloat(-0x1p-26f));
  }
}
