package io.diffuse4j.weights;

/**
 * The element types of the safetensors format, in the order in which that format ranks them: a
 * writer lays tensors out from the last constant to the first, which keeps every tensor aligned to
 * its element.
 *
 * @see <a href="https://github.com/huggingface/safetensors">safetensors</a>
 */
public enum TensorDType {
  /** One byte; zero is false. */
  BOOL(8, Kind.INTEGER),
  /** OCP microscaling E2M1; two elements a byte, the first in the low bits. */
  F4(4, Kind.FLOAT),
  /** OCP microscaling E2M3; four elements in three bytes, least significant bits first. */
  F6_E2M3(6, Kind.FLOAT),
  /** OCP microscaling E3M2; four elements in three bytes, least significant bits first. */
  F6_E3M2(6, Kind.FLOAT),
  U8(8, Kind.INTEGER),
  I8(8, Kind.INTEGER),
  /** IEEE-like, with infinities. */
  F8_E5M2(8, Kind.FLOAT),
  /** No infinities; only S.1111.111 is NaN. */
  F8_E4M3(8, Kind.FLOAT),
  /** A power of two, 2^(x-127); 255 is NaN. */
  F8_E8M0(8, Kind.FLOAT),
  /** Bias 8, no infinities and no negative zero: 0x80 is NaN. */
  F8_E4M3FNUZ(8, Kind.FLOAT),
  /** Bias 16, no infinities and no negative zero: 0x80 is NaN. */
  F8_E5M2FNUZ(8, Kind.FLOAT),
  I16(16, Kind.INTEGER),
  U16(16, Kind.INTEGER),
  F16(16, Kind.FLOAT),
  BF16(16, Kind.FLOAT),
  I32(32, Kind.INTEGER),
  U32(32, Kind.INTEGER),
  F32(32, Kind.FLOAT),
  /** Two F32: real part, then imaginary part. */
  C64(64, Kind.COMPLEX),
  F64(64, Kind.FLOAT),
  I64(64, Kind.INTEGER),
  U64(64, Kind.INTEGER);

  private enum Kind {
    INTEGER,
    FLOAT,
    COMPLEX
  }

  private final int bits;
  private final Kind kind;

  TensorDType(int bits, Kind kind) {
    this.bits = bits;
    this.kind = kind;
  }

  /** Bits of one element: 4, 6 or a multiple of 8. */
  public int bits() {
    return bits;
  }

  /** Whether elements are integers (BOOL included: 0 and 1). */
  public boolean isInteger() {
    return kind == Kind.INTEGER;
  }

  /** Whether elements are real floating-point numbers. */
  public boolean isFloat() {
    return kind == Kind.FLOAT;
  }

  /** Bytes to whose multiple an element's address is aligned; 1 for types below a byte. */
  int alignment() {
    return Math.max(1, bits / 8);
  }

  /** The constant of that exact name, or null. */
  static TensorDType byName(String name) {
    // valueOf throws for an unknown name; a loop over 22 constants does not.
    for (TensorDType type : values()) {
      if (type.name().equals(name)) {
        return type;
      }
    }
    return null;
  }
}
