package io.diffuse4j.junit.isa;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** An operand's type: how it lies in memory and in a register, and its values at the edges. */
enum PtxType {
  U8(8, false, null),
  S8(8, true, null),
  U16(16, false, null),
  S16(16, true, null),
  U32(32, false, null),
  S32(32, true, null),
  U64(64, false, null),
  S64(64, true, null),
  F16(16, false, FloatFormat.F16),
  BF16(16, false, FloatFormat.BF16),
  F32(32, false, FloatFormat.F32),
  F64(64, false, FloatFormat.F64),
  /** Two f16, the lower one in the lower half. */
  F16X2(32, false, FloatFormat.F16),
  BF16X2(32, false, FloatFormat.BF16);

  private static final int RANDOM_VALUES = 12;

  final int bits;
  final boolean signed;
  final FloatFormat format;

  PtxType(int bits, boolean signed, FloatFormat format) {
    this.bits = bits;
    this.signed = signed;
    this.format = format;
  }

  /** The type as it is written, without the dot. */
  String modifier() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }

  /** The register that holds it: there are none of 8 bits, and halves live in untyped ones. */
  String register() {
    return switch (this) {
      case U8, S8 -> "b16";
      case F32 -> "f32";
      case F64 -> "f64";
      default -> "b" + bits;
    };
  }

  /** What ld and st call it. */
  String memory() {
    return switch (this) {
      case F16, BF16 -> "b16";
      case F16X2, BF16X2 -> "b32";
      default -> modifier();
    };
  }

  boolean packed() {
    return this == F16X2 || this == BF16X2;
  }

  /** Its bits, the rest cut off. */
  long truncate(long value) {
    return bits == 64 ? value : value & ((1L << bits) - 1);
  }

  /** Its bits as the integer they mean. */
  java.math.BigInteger integer(long value) {
    if (signed) {
      return java.math.BigInteger.valueOf(value << (64 - bits) >> (64 - bits));
    }
    return new java.math.BigInteger(Long.toUnsignedString(truncate(value)));
  }

  java.math.BigInteger min() {
    return signed
        ? java.math.BigInteger.ONE.shiftLeft(bits - 1).negate()
        : java.math.BigInteger.ZERO;
  }

  java.math.BigInteger max() {
    return java.math.BigInteger.ONE
        .shiftLeft(signed ? bits - 1 : bits)
        .subtract(java.math.BigInteger.ONE);
  }

  /** Values where instructions change their behaviour, and some random ones. */
  List<Long> edges() {
    List<Long> values = new ArrayList<>();
    Random random = new Random(name().hashCode());
    if (packed()) {
      List<Long> halves = floatEdges(random);
      for (int i = 0; i < halves.size(); i++) {
        values.add(halves.get(i) | halves.get((i * 7 + 3) % halves.size()) << 16);
      }
      return values;
    }
    return format == null ? integerEdges(random) : floatEdges(random);
  }

  private List<Long> integerEdges(Random random) {
    List<Long> values = new ArrayList<>();
    long top = 1L << (bits - 1);
    for (long v : new long[] {0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65, 255, 0x55, 0xaa}) {
      values.add(truncate(v));
    }
    for (long v : new long[] {-1, -2, -7, -32, top, top + 1, top - 1, top >>> 1, -top >>> 1}) {
      values.add(truncate(v));
    }
    for (int i = 0; i < RANDOM_VALUES; i++) {
      values.add(truncate(random.nextLong()));
    }
    return values;
  }

  private List<Long> floatEdges(Random random) {
    List<Long> values = new ArrayList<>();
    long one = format.one();
    long smallestNormal = 1L << format.fractionBits();
    long[] magnitudes = {
      0,
      1,
      2,
      smallestNormal - 1,
      smallestNormal,
      smallestNormal + 1,
      one - 1,
      one,
      one + 1,
      one + smallestNormal / 2, // 1.5
      one + smallestNormal + smallestNormal / 4, // 2.5
      one - smallestNormal, // 0.5
      one + format.fractionBits() * smallestNormal + 1, // the unit in the last place is 1
      one + (format.fractionBits() - 1L) * smallestNormal + 1, // half of an odd number
      format.largest(),
      format.largest() - smallestNormal + 1,
      format.infinity(),
      format.infinity() + 1, // a signalling NaN
      format.infinity() + smallestNormal / 2 + 5, // a quiet NaN with a payload
      format.nan()
    };
    for (long m : magnitudes) {
      values.add(m);
      values.add(m | format.signBit());
    }
    for (int i = 0; i < RANDOM_VALUES; i++) {
      // Around 1, so that sums round and quotients are not all tiny or huge.
      long near =
          one + (random.nextInt(7) - 3) * smallestNormal + random.nextLong() % smallestNormal;
      values.add(format.magnitude(near) | (random.nextBoolean() ? format.signBit() : 0));
      values.add(random.nextLong() & (format.signBit() | format.nan()));
    }
    return values;
  }
}
