package io.diffuse4j.weights;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ShortBuffer;
import java.util.Arrays;
import java.util.Objects;

/**
 * A named tensor in host memory: row-major, little-endian, in its published layout. Immutable and
 * safe for use by several threads.
 */
public final class HostTensor {
  /** Elements converted at a time: 16 KiB of shorts stay in the first-level cache. */
  private static final int CHUNK = 8192;

  private final String name;
  private final TensorDType dtype;
  private final long[] shape;
  private final int elements;
  private final ByteBuffer bytes;

  /** {@code bytes} is kept, not copied; its remaining bytes are the tensor's. */
  HostTensor(String name, TensorDType dtype, long[] shape, ByteBuffer bytes) {
    this.name = Objects.requireNonNull(name, "name");
    this.dtype = Objects.requireNonNull(dtype, "dtype");
    this.shape = shape.clone();
    this.bytes = bytes.slice().asReadOnlyBuffer();
    long size = TensorSize.bytes(dtype, shape);
    if (size != bytes.remaining()) {
      throw new IllegalArgumentException(
          "tensor "
              + name
              + ": "
              + dtype
              + Arrays.toString(shape)
              + " takes "
              + size
              + " bytes, not "
              + bytes.remaining());
    }
    this.elements = (int) TensorSize.elements(shape);
  }

  /** An F32 tensor with a copy of {@code values}. */
  public static HostTensor of(String name, float[] values, long... shape) {
    ByteBuffer bytes = allocate(values.length, Float.BYTES);
    bytes.asFloatBuffer().put(values);
    return new HostTensor(name, TensorDType.F32, checked(name, values.length, shape), bytes);
  }

  /** An I64 tensor with a copy of {@code values}. */
  public static HostTensor of(String name, long[] values, long... shape) {
    ByteBuffer bytes = allocate(values.length, Long.BYTES);
    bytes.asLongBuffer().put(values);
    return new HostTensor(name, TensorDType.I64, checked(name, values.length, shape), bytes);
  }

  /** A U8 tensor with a copy of {@code values}. */
  public static HostTensor of(String name, byte[] values, long... shape) {
    ByteBuffer bytes = ByteBuffer.wrap(values.clone());
    return new HostTensor(name, TensorDType.U8, checked(name, values.length, shape), bytes);
  }

  /**
   * A tensor of any type with a copy of {@code bytes}, which hold its elements in little-endian
   * order.
   *
   * @throws IllegalArgumentException if shape and type do not take that many bytes
   */
  public static HostTensor ofBytes(String name, TensorDType dtype, byte[] bytes, long... shape) {
    return new HostTensor(name, dtype, shape, ByteBuffer.wrap(bytes.clone()));
  }

  public String name() {
    return name;
  }

  public TensorDType dtype() {
    return dtype;
  }

  /** A copy of the shape; empty for a scalar. */
  public long[] shape() {
    return shape.clone();
  }

  /** The product of the shape: 1 for a scalar, 0 if any extent is. */
  public int elementCount() {
    return elements;
  }

  /**
   * The tensor's bytes: a new read-only little-endian view, from position 0 to its limit. It is
   * direct (and so has an address for native code) exactly if the tensor comes from a file; the
   * address need not be aligned to the element.
   */
  public ByteBuffer bytes() {
    return bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * All elements as float32. Integers and F64 are rounded to nearest even.
   *
   * @throws InvalidModelException if the tensor is complex
   */
  public float[] toFloats() {
    float[] out = new float[elements];
    ByteBuffer in = bytes();
    switch (dtype) {
      case F32 -> in.asFloatBuffer().get(out);
      case F16, BF16 -> widen(in.asShortBuffer(), out);
      case F64 -> {
        for (int i = 0; i < out.length; i++) {
          out[i] = (float) in.getDouble(i * Double.BYTES);
        }
      }
      case F4, F6_E2M3, F6_E3M2, F8_E5M2, F8_E4M3, F8_E8M0, F8_E4M3FNUZ, F8_E5M2FNUZ ->
          lookUp(in, out);
      case U64 -> {
        for (int i = 0; i < out.length; i++) {
          out[i] = unsignedToFloat(in.getLong(i * Long.BYTES));
        }
      }
      case C64 ->
          throw new InvalidModelException(
              "tensor " + name + " is complex (C64); a real type is needed");
      default -> {
        for (int i = 0; i < out.length; i++) {
          out[i] = (float) integerAt(in, i);
        }
      }
    }
    return out;
  }

  /**
   * All elements of an integer tensor (BOOL as 0 and 1; U64 keeps its bits).
   *
   * @throws InvalidModelException if the tensor is not of an integer type
   */
  public long[] toLongs() {
    if (!dtype.isInteger()) {
      throw new InvalidModelException(
          "tensor " + name + " is " + dtype + "; an integer type is needed");
    }
    long[] out = new long[elements];
    ByteBuffer in = bytes();
    for (int i = 0; i < out.length; i++) {
      out[i] = integerAt(in, i);
    }
    return out;
  }

  /** Name, type and shape. */
  @Override
  public String toString() {
    return name + " " + dtype + Arrays.toString(shape);
  }

  private void widen(ShortBuffer in, float[] out) {
    short[] chunk = new short[Math.min(CHUNK, out.length)];
    for (int start = 0; start < out.length; start += CHUNK) {
      int count = Math.min(CHUNK, out.length - start);
      in.get(chunk, 0, count);
      if (dtype == TensorDType.F16) {
        FloatConversions.fromHalf(chunk, 0, out, start, count);
      } else {
        FloatConversions.fromBfloat16(chunk, 0, out, start, count);
      }
    }
  }

  private void lookUp(ByteBuffer in, float[] out) {
    float[] table = SmallFloats.table(dtype);
    int bits = dtype.bits();
    for (int i = 0; i < out.length; i++) {
      long bit = (long) i * bits;
      int at = (int) (bit >>> 3);
      int low = in.get(at) & 0xff;
      // A 6-bit element may continue in the next byte, which then exists.
      int high = (bit & 7) + bits > 8 ? in.get(at + 1) & 0xff : 0;
      out[i] = table[(high << 8 | low) >>> (bit & 7) & (table.length - 1)];
    }
  }

  private long integerAt(ByteBuffer in, int i) {
    return switch (dtype) {
      case BOOL -> in.get(i) == 0 ? 0 : 1;
      case U8 -> in.get(i) & 0xff;
      case I8 -> in.get(i);
      case U16 -> in.getShort(i * Short.BYTES) & 0xffff;
      case I16 -> in.getShort(i * Short.BYTES);
      case U32 -> in.getInt(i * Integer.BYTES) & 0xffffffffL;
      case I32 -> in.getInt(i * Integer.BYTES);
      case U64, I64 -> in.getLong(i * Long.BYTES);
      default -> throw new AssertionError(dtype);
    };
  }

  private static float unsignedToFloat(long value) {
    if (value >= 0) {
      return (float) value;
    }
    // Half of the value, its lost bit kept as a sticky bit so that rounding sees it.
    return 2f * (float) ((value >>> 1) | (value & 1));
  }

  private static ByteBuffer allocate(int elements, int size) {
    return ByteBuffer.allocate(Math.multiplyExact(elements, size)).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static long[] checked(String name, int values, long[] shape) {
    if (TensorSize.elements(shape) != values) {
      throw new IllegalArgumentException(
          "tensor "
              + name
              + ": shape "
              + Arrays.toString(shape)
              + " does not hold "
              + values
              + " values");
    }
    return shape;
  }
}
