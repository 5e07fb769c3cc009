package io.diffuse4j.junit.isa;

import static io.diffuse4j.junit.isa.OpcodeRow.exact;
import static io.diffuse4j.junit.isa.PtxType.S16;
import static io.diffuse4j.junit.isa.PtxType.S32;
import static io.diffuse4j.junit.isa.PtxType.S64;
import static io.diffuse4j.junit.isa.PtxType.U16;
import static io.diffuse4j.junit.isa.PtxType.U32;
import static io.diffuse4j.junit.isa.PtxType.U64;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BinaryOperator;

/** Integer arithmetic: PTX ISA, "Integer Arithmetic Instructions" and "Extended-Precision". */
class IntegerOpcodeTest extends OpcodeRowTest {
  private static final List<PtxType> ALL = List.of(U16, S16, U32, S32, U64, S64);
  private static final List<PtxType> WIDE_SOURCES = List.of(U16, S16, U32, S32);
  private static final List<PtxType> WORDS = List.of(U32, S32);
  private static final int MASK24_SHIFT = 8;

  @OpcodeRows
  static List<OpcodeRow> sumsDifferencesAndProductsWrapAround() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : ALL) {
      rows.add(binary("add." + t.modifier(), t, t, BigInteger::add));
      rows.add(binary("sub." + t.modifier(), t, t, BigInteger::subtract));
      rows.add(binary("mul.lo." + t.modifier(), t, t, BigInteger::multiply));
      rows.add(binary("mul.hi." + t.modifier(), t, t, (a, b) -> a.multiply(b).shiftRight(t.bits)));
    }
    for (PtxType t : WIDE_SOURCES) {
      rows.add(binary("mul.wide." + t.modifier(), t, wide(t), BigInteger::multiply));
    }
    return rows;
  }

  @OpcodeRows
  static List<OpcodeRow> multiplyAddTakesTheLowHighOrWholeProduct() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : ALL) {
      List<PtxType> three = List.of(t, t, t);
      rows.add(
          exact(
              "mad.lo." + t.modifier() + " %d, %a, %b, %c",
              t,
              three,
              x -> big(t, x, 0).multiply(big(t, x, 1)).add(big(t, x, 2)).longValue()));
      rows.add(
          exact(
              "mad.hi." + t.modifier() + " %d, %a, %b, %c",
              t,
              three,
              x -> high(t, x).add(big(t, x, 2)).longValue()));
    }
    for (PtxType t : WIDE_SOURCES) {
      rows.add(
          exact(
              "mad.wide." + t.modifier() + " %d, %a, %b, %c",
              wide(t),
              List.of(t, t, wide(t)),
              x -> big(t, x, 0).multiply(big(t, x, 1)).add(big(wide(t), x, 2)).longValue()));
    }
    return rows;
  }

  @OpcodeRows
  static List<OpcodeRow> saturationClampsToTheSignedRange() {
    List<PtxType> three = List.of(S32, S32, S32);
    return List.of(
        binary("add.sat.s32", S32, S32, (a, b) -> clamp(a.add(b))),
        binary("sub.sat.s32", S32, S32, (a, b) -> clamp(a.subtract(b))),
        exact(
            "mad.hi.sat.s32 %d, %a, %b, %c",
            S32, three, x -> clamp(high(S32, x).add(big(S32, x, 2))).longValue()));
  }

  @OpcodeRows
  static List<OpcodeRow> twentyFourBitProductsUseTheLowBitsOfTheOperands() {
    List<OpcodeRow> rows = new ArrayList<>();
    rows.add(
        exact(
            "mad24.hi.sat.s32 %d, %a, %b, %c",
            S32,
            List.of(S32, S32, S32),
            x ->
                clamp(
                        product24(S32, big(S32, x, 0), big(S32, x, 1))
                            .shiftRight(16)
                            .add(big(S32, x, 2)))
                    .longValue()));
    for (PtxType t : WORDS) {
      rows.add(binary("mul24.lo." + t.modifier(), t, t, (a, b) -> product24(t, a, b)));
      rows.add(
          binary("mul24.hi." + t.modifier(), t, t, (a, b) -> product24(t, a, b).shiftRight(16)));
      rows.add(
          exact(
              "mad24.lo." + t.modifier() + " %d, %a, %b, %c",
              t,
              List.of(t, t, t),
              x -> product24(t, big(t, x, 0), big(t, x, 1)).add(big(t, x, 2)).longValue()));
      rows.add(
          exact(
              "mad24.hi." + t.modifier() + " %d, %a, %b, %c",
              t,
              List.of(t, t, t),
              x ->
                  product24(t, big(t, x, 0), big(t, x, 1))
                      .shiftRight(16)
                      .add(big(t, x, 2))
                      .longValue()));
    }
    return rows;
  }

  @OpcodeRows
  static List<OpcodeRow> minMaxSadAbsNegFollowTheSign() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : ALL) {
      rows.add(binary("min." + t.modifier(), t, t, BigInteger::min));
      rows.add(binary("max." + t.modifier(), t, t, BigInteger::max));
      rows.add(
          exact(
              "sad." + t.modifier() + " %d, %a, %b, %c",
              t,
              List.of(t, t, t),
              x -> big(t, x, 0).subtract(big(t, x, 1)).abs().add(big(t, x, 2)).longValue()));
    }
    for (PtxType t : List.of(S16, S32, S64)) {
      rows.add(
          exact(
              "abs." + t.modifier() + " %d, %a",
              t,
              List.of(t),
              x -> big(t, x, 0).abs().longValue()));
      rows.add(
          exact(
              "neg." + t.modifier() + " %d, %a",
              t,
              List.of(t),
              x -> big(t, x, 0).negate().longValue()));
    }
    return rows;
  }

  @OpcodeRows
  static List<OpcodeRow> divisionTruncatesAndRemainderHasTheDividendsSign() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : ALL) {
      // "Division by zero yields an unspecified, machine-specific value": made 1 here.
      String nonZero = "or.b" + t.bits + " %b, %b, 1; ";
      rows.add(
          exact(
              nonZero + "div." + t.modifier() + " %d, %a, %b",
              t,
              List.of(t, t),
              x -> big(t, x, 0).divide(t.integer(x[1] | 1)).longValue()));
      rows.add(
          exact(
              nonZero + "rem." + t.modifier() + " %d, %a, %b",
              t,
              List.of(t, t),
              x -> big(t, x, 0).remainder(t.integer(x[1] | 1)).longValue()));
    }
    return rows;
  }

  /** Two-word chains: the second instruction sees the carry or borrow of the first. */
  @OpcodeRows
  static List<OpcodeRow> carryChainsCarry() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : List.of(U32, S32, U64, S64)) {
      String m = t.modifier();
      List<PtxType> two = List.of(t, t);
      BigInteger modulus = BigInteger.ONE.shiftLeft(t.bits);
      rows.add(
          exact(
              "add.cc." + m + " %d, %a, %b; addc." + m + " %d, %a, %b",
              t,
              two,
              x -> x[0] + x[1] + carry(t, x[0], x[1])));
      rows.add(
          exact(
              "add.cc." + m + " %d, %a, %b; addc.cc." + m + " %d, %a, %b; addc." + m + " %d, 0, 0",
              t,
              two,
              x ->
                  unsigned(t, x[0])
                      .add(unsigned(t, x[1]))
                      .add(BigInteger.valueOf(carry(t, x[0], x[1])))
                      .divide(modulus)
                      .longValue()));
      rows.add(
          exact(
              "sub.cc." + m + " %d, %a, %b; subc." + m + " %d, %a, %b",
              t,
              two,
              x -> x[0] - x[1] - borrow(t, x[0], x[1])));
      rows.add(
          exact(
              "sub.cc." + m + " %d, %a, %b; subc.cc." + m + " %d, %b, %a; subc." + m + " %d, 0, 0",
              t,
              two,
              x ->
                  unsigned(t, x[1])
                              .subtract(unsigned(t, x[0]))
                              .subtract(BigInteger.valueOf(borrow(t, x[0], x[1])))
                              .signum()
                          < 0
                      ? -1
                      : 0));
      for (String part : List.of("lo", "hi")) {
        rows.add(
            exact(
                "mad." + part + ".cc." + m + " %d, %a, %b, %c; addc." + m + " %d, 0, 0",
                t,
                List.of(t, t, t),
                x -> carry(t, part(t, part, x), x[2])));
        // The second carry: of the sum that took the first one.
        rows.add(
            exact(
                "add.cc."
                    + (m + " %d, %a, %b; madc." + part + ".cc." + m + " %d, %a, %b, %c; addc.")
                    + (m + " %d, 0, 0"),
                t,
                List.of(t, t, t),
                x ->
                    unsigned(t, part(t, part, x))
                        .add(unsigned(t, x[2]))
                        .add(BigInteger.valueOf(carry(t, x[0], x[1])))
                        .divide(modulus)
                        .longValue()));
        rows.add(
            exact(
                "add.cc." + m + " %d, %a, %b; madc." + part + "." + m + " %d, %a, %b, %c",
                t,
                List.of(t, t, t),
                x -> part(t, part, x) + x[2] + carry(t, x[0], x[1])));
      }
    }
    return rows;
  }

  @OpcodeRows
  static List<OpcodeRow> byteAndHalfWordDotProductsAccumulate() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType a : WORDS) {
      for (PtxType b : WORDS) {
        PtxType d = (a.signed || b.signed) ? S32 : U32;
        String types = a.modifier() + "." + b.modifier() + " %d, %a, %b, %c";
        rows.add(exact("dp4a." + types, d, List.of(a, b, d), x -> dot(a, b, x, 4, 0)));
        rows.add(exact("dp2a.lo." + types, d, List.of(a, b, d), x -> dot(a, b, x, 2, 0)));
        rows.add(exact("dp2a.hi." + types, d, List.of(a, b, d), x -> dot(a, b, x, 2, 2)));
      }
    }
    return rows;
  }

  /** {@code count} fields of a by bytes of b from {@code first}, plus c. */
  private static long dot(PtxType a, PtxType b, long[] x, int count, int first) {
    int width = Integer.SIZE / count;
    long sum = x[2];
    for (int i = 0; i < count; i++) {
      sum += field(a, x[0], i * width, width) * field(b, x[1], (first + i) * 8, 8);
    }
    return sum;
  }

  private static long field(PtxType t, long value, int from, int width) {
    long shifted = value << (Long.SIZE - from - width);
    return t.signed ? shifted >> (Long.SIZE - width) : shifted >>> (Long.SIZE - width);
  }

  private static OpcodeRow binary(
      String opcode, PtxType source, PtxType result, BinaryOperator<BigInteger> reference) {
    return exact(
        opcode + " %d, %a, %b",
        result,
        List.of(source, source),
        x -> reference.apply(big(source, x, 0), big(source, x, 1)).longValue());
  }

  private static BigInteger big(PtxType t, long[] x, int index) {
    return t.integer(x[index]);
  }

  private static BigInteger high(PtxType t, long[] x) {
    return big(t, x, 0).multiply(big(t, x, 1)).shiftRight(t.bits);
  }

  private static long part(PtxType t, String part, long[] x) {
    BigInteger product = big(t, x, 0).multiply(big(t, x, 1));
    return part.equals("hi") ? product.shiftRight(t.bits).longValue() : product.longValue();
  }

  private static BigInteger unsigned(PtxType t, long value) {
    return new BigInteger(Long.toUnsignedString(t.truncate(value)));
  }

  private static long carry(PtxType t, long a, long b) {
    return unsigned(t, a).add(unsigned(t, b)).bitLength() > t.bits ? 1 : 0;
  }

  private static long borrow(PtxType t, long a, long b) {
    return unsigned(t, a).compareTo(unsigned(t, b)) < 0 ? 1 : 0;
  }

  private static BigInteger clamp(BigInteger value) {
    return value.max(S32.min()).min(S32.max());
  }

  private static BigInteger product24(PtxType t, BigInteger a, BigInteger b) {
    return low24(t, a).multiply(low24(t, b));
  }

  private static BigInteger low24(PtxType t, BigInteger value) {
    int moved = value.intValue() << MASK24_SHIFT;
    int low = t.signed ? moved >> MASK24_SHIFT : moved >>> MASK24_SHIFT;
    return BigInteger.valueOf(low);
  }

  private static PtxType wide(PtxType t) {
    return switch (t) {
      case U16 -> U32;
      case S16 -> S32;
      case U32 -> U64;
      default -> S64;
    };
  }
}
