package io.diffuse4j.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ReadOnlyBufferException;
import org.junit.jupiter.api.Test;

class HostTensorTest {
  private static float[] floats(TensorDType dtype, int... bytes) {
    byte[] data = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      data[i] = (byte) bytes[i];
    }
    return HostTensor.ofBytes("x", dtype, data, bytes.length * 8L / dtype.bits()).toFloats();
  }

  private static HostTensor longs(TensorDType dtype, long... values) {
    int size = dtype.bits() / 8;
    ByteBuffer bytes = ByteBuffer.allocate(values.length * size + 8).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < values.length; i++) {
      bytes.putLong(i * size, values[i]);
    }
    byte[] data = new byte[values.length * size];
    bytes.get(0, data);
    return HostTensor.ofBytes("x", dtype, data, values.length);
  }

  @Test
  void fourAndSixBitElementsStartInTheLowBits() {
    assertArrayEquals(new float[] {0.5f, 6f, -1.5f, -0f}, floats(TensorDType.F4, 0x71, 0x8b));
    // 000001, 011111, 100001, 111111 from the least significant bit on
    assertArrayEquals(
        new float[] {0.125f, 7.5f, -0.125f, -7.5f},
        floats(TensorDType.F6_E2M3, 0b11_000001, 0b0001_0111, 0b111111_10));
    assertArrayEquals(
        new float[] {0.0625f, 28f, -0.0625f, -28f},
        floats(TensorDType.F6_E3M2, 0b11_000001, 0b0001_0111, 0b111111_10));
  }

  /** Largest, smallest and special codes as their papers' tables give them. */
  @Test
  void eightBitFloatsHaveThePublishedExtremes() {
    float inf = Float.POSITIVE_INFINITY;
    float nan = Float.NaN;
    assertArrayEquals(
        new float[] {57344f, inf, nan, -inf, 0x1p-16f, 0x1p-14f, 1f},
        floats(TensorDType.F8_E5M2, 0x7b, 0x7c, 0x7d, 0xfc, 0x01, 0x04, 0x3c));
    assertArrayEquals(
        new float[] {448f, nan, nan, 0x1p-9f, 0x1p-6f, 1f, -1f},
        floats(TensorDType.F8_E4M3, 0x7e, 0x7f, 0xff, 0x01, 0x08, 0x38, 0xb8));
    assertArrayEquals(
        new float[] {240f, nan, -240f, 0x1p-10f, 1f},
        floats(TensorDType.F8_E4M3FNUZ, 0x7f, 0x80, 0xff, 0x01, 0x40));
    assertArrayEquals(
        new float[] {57344f, nan, -57344f, 0x1p-17f, 1f},
        floats(TensorDType.F8_E5M2FNUZ, 0x7f, 0x80, 0xff, 0x01, 0x40));
    assertArrayEquals(
        new float[] {0x1p-127f, 1f, 0x1p127f, nan}, floats(TensorDType.F8_E8M0, 0, 127, 254, 255));
  }

  @Test
  void integersWidenWithTheirSign() {
    assertArrayEquals(new long[] {0, 1, 1}, longs(TensorDType.BOOL, 0, 1, 2).toLongs());
    assertArrayEquals(new long[] {255, 0}, longs(TensorDType.U8, -1, 0).toLongs());
    assertArrayEquals(new long[] {-1, 127}, longs(TensorDType.I8, -1, 127).toLongs());
    assertArrayEquals(new long[] {65535}, longs(TensorDType.U16, -1).toLongs());
    assertArrayEquals(new long[] {-1}, longs(TensorDType.I16, -1).toLongs());
    assertArrayEquals(new long[] {0xffffffffL}, longs(TensorDType.U32, -1).toLongs());
    assertArrayEquals(new long[] {-1}, longs(TensorDType.I32, -1).toLongs());
    assertArrayEquals(new long[] {Long.MIN_VALUE}, longs(TensorDType.I64, 1L << 63).toLongs());
    assertArrayEquals(new float[] {-1f, 127f}, longs(TensorDType.I8, -1, 127).toFloats());
    assertArrayEquals(new float[] {0x1p32f}, longs(TensorDType.U32, -1).toFloats());
  }

  @Test
  void unsigned64BitNumbersRoundOnceToFloat() {
    assertArrayEquals(
        new float[] {0x1p64f, 0x1p63f, 0x1.000002p63f},
        // 2^63 + 2^39 is a tie, which goes to even; one more is above it.
        longs(TensorDType.U64, -1L, (1L << 63) + (1L << 39), (1L << 63) + (1L << 39) + 1)
            .toFloats());
  }

  @Test
  void sixteenBitFloatsWidenBeyondOneChunk() {
    int count = 20_000;
    byte[] half = new byte[2 * count];
    byte[] bfloat = new byte[2 * count];
    for (int i = 0; i < count; i++) {
      ByteBuffer.wrap(half).order(ByteOrder.LITTLE_ENDIAN).putShort(2 * i, (short) i);
      ByteBuffer.wrap(bfloat).order(ByteOrder.LITTLE_ENDIAN).putShort(2 * i, (short) i);
    }
    float[] fromHalf = HostTensor.ofBytes("x", TensorDType.F16, half, count).toFloats();
    float[] fromBfloat = HostTensor.ofBytes("x", TensorDType.BF16, bfloat, count).toFloats();
    for (int i = 0; i < count; i++) {
      assertEquals(FloatConversions.fromHalf((short) i), fromHalf[i]);
      assertEquals(FloatConversions.fromBfloat16((short) i), fromBfloat[i]);
    }
  }

  @Test
  void aTensorIsImmutable() {
    float[] values = {1, 2, 3, 4, 5, 6};
    long[] shape = {2, 3};
    HostTensor tensor = HostTensor.of("x", values, shape);
    values[0] = 9;
    shape[0] = 9;
    tensor.shape()[0] = 9;
    assertArrayEquals(new long[] {2, 3}, tensor.shape());
    assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, tensor.toFloats());
    assertThrows(ReadOnlyBufferException.class, () -> tensor.bytes().put(0, (byte) 1));
    tensor.bytes().position(4);
    assertEquals(0, tensor.bytes().position());
    assertEquals(1f, tensor.bytes().getFloat(0));
    assertEquals("x F32[2, 3]", tensor.toString());
  }

  @Test
  void scalarsHaveOneElementAndEmptyTensorsNone() {
    assertEquals(1, HostTensor.of("x", new float[] {3}).elementCount());
    assertEquals(0, HostTensor.of("x", new float[0], 4, 0).toFloats().length);
    // An extent of 0 makes the product 0, however large the others are.
    assertEquals(
        0, HostTensor.of("x", new float[0], Long.MAX_VALUE, 0, Long.MAX_VALUE).elementCount());
  }

  @Test
  void shapesThatDoNotFitTheValuesAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> HostTensor.of("x", new float[3], 2));
    assertThrows(IllegalArgumentException.class, () -> HostTensor.of("x", new float[3], -3));
    assertThrows(
        IllegalArgumentException.class, () -> HostTensor.of("x", new float[0], 1L << 32, 1L << 32));
    assertThrows(
        IllegalArgumentException.class,
        () -> HostTensor.ofBytes("x", TensorDType.F4, new byte[1], 1));
  }

  @Test
  void conversionsThatLoseTheMeaningAreRefused() {
    InvalidModelException complex =
        assertThrows(
            InvalidModelException.class,
            () -> HostTensor.ofBytes("z", TensorDType.C64, new byte[8], 1).toFloats());
    assertTrue(complex.getMessage().contains("tensor z"));
    InvalidModelException real =
        assertThrows(
            InvalidModelException.class, () -> HostTensor.of("t", new float[1], 1).toLongs());
    assertTrue(real.getMessage().contains("an integer type is needed"));
  }
}
