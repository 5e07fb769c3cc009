package io.diffuse4j.junit.isa;

import static io.diffuse4j.junit.isa.OpcodeRow.exact;
import static io.diffuse4j.junit.isa.OpcodeRow.floating;
import static io.diffuse4j.junit.isa.PtxType.BF16;
import static io.diffuse4j.junit.isa.PtxType.BF16X2;
import static io.diffuse4j.junit.isa.PtxType.F16;
import static io.diffuse4j.junit.isa.PtxType.F16X2;
import static io.diffuse4j.junit.isa.PtxType.F32;
import static io.diffuse4j.junit.isa.PtxType.F64;
import static io.diffuse4j.junit.isa.PtxType.S16;
import static io.diffuse4j.junit.isa.PtxType.S32;
import static io.diffuse4j.junit.isa.PtxType.S64;
import static io.diffuse4j.junit.isa.PtxType.S8;
import static io.diffuse4j.junit.isa.PtxType.U16;
import static io.diffuse4j.junit.isa.PtxType.U32;
import static io.diffuse4j.junit.isa.PtxType.U64;
import static io.diffuse4j.junit.isa.PtxType.U8;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

/** PTX ISA, "Data Movement and Conversion Instructions: cvt". */
class ConversionOpcodeTest extends OpcodeRowTest {
  private static final List<PtxType> INTEGERS = List.of(U8, S8, U16, S16, U32, S32, U64, S64);
  private static final List<Rounding> IEEE =
      List.of(Rounding.RN, Rounding.RZ, Rounding.RM, Rounding.RP);

  @OpcodeRows
  static List<OpcodeRow> integersAreCutExtendedOrSaturated() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType from : INTEGERS) {
      for (PtxType to : INTEGERS) {
        String types = to.modifier() + "." + from.modifier() + " %d, %a";
        rows.add(exact("cvt." + types, to, List.of(from), x -> from.integer(x[0]).longValue()));
        rows.add(
            exact(
                "cvt.sat." + types,
                to,
                List.of(from),
                x -> clamp(from.integer(x[0]), to).longValue()));
      }
    }
    return rows;
  }

  /** With .sat the result is limited to [0, 1]; .ftz finds no subnormal number to flush. */
  @OpcodeRows
  static List<OpcodeRow> integersBecomeTheFloatThatTheRoundingPicks() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType from : INTEGERS) {
      for (PtxType to : List.of(F16, BF16, F32, F64)) {
        for (Rounding r : IEEE) {
          for (String modifiers : modifiers(from, to)) {
            rows.add(
                exact(
                    head(r.modifier(), modifiers, to, from),
                    to,
                    List.of(from),
                    x -> {
                      long value = to.format.round(Dyadic.of(from.integer(x[0])), r, false);
                      return modifiers.contains(".sat") ? to.format.saturate(value) : value;
                    }));
          }
        }
      }
    }
    return rows;
  }

  /**
   * Clamped to the destination's range, with or without .sat. "NaN input results in zero if source
   * is not .f64 and destination is not .s64, .u64; otherwise in 1 &lt;&lt; (BitWidth(dst) - 1)."
   */
  @OpcodeRows
  static List<OpcodeRow> floatsBecomeIntegersClampedToTheRange() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType from : List.of(F16, BF16, F32, F64)) {
      for (PtxType to : INTEGERS) {
        for (Rounding r : IEEE) {
          for (String modifiers : modifiers(from, to)) {
            rows.add(
                exact(
                    head(r.modifier() + "i", modifiers, to, from),
                    to,
                    List.of(from),
                    x -> toInteger(from, to, flushedIf(modifiers, from, x[0]), r)));
          }
        }
      }
    }
    return rows;
  }

  /** To a format of less precision with a rounding, to one of more without, in all pairs. */
  @OpcodeRows
  static List<OpcodeRow> floatsRoundToNarrowerFormatsAndWidenExactly() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType from : List.of(F16, BF16, F32, F64)) {
      for (PtxType to : List.of(F16, BF16, F32, F64)) {
        if (from == to) {
          continue;
        }
        boolean narrows = to.bits <= from.bits;
        for (Rounding r : narrows ? IEEE : List.of(Rounding.RN)) {
          for (String modifiers : modifiers(from, to)) {
            rows.add(
                floating(
                    head(narrows ? r.modifier() : "", modifiers, to, from),
                    to,
                    List.of(from),
                    x -> {
                      long operand = flushedIf(modifiers, from, x[0]);
                      long value = to.format.convertFrom(from.format, operand, r);
                      long limited = modifiers.contains(".sat") ? to.format.saturate(value) : value;
                      return flushedIf(modifiers, to, limited);
                    }));
          }
        }
      }
    }
    return rows;
  }

  /** "If the absolute value is greater than MAX_NORM, the result is sign-preserved MAX_NORM." */
  @OpcodeRows
  static List<OpcodeRow> narrowResultsAreRectifiedOrFinite() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : List.of(F16, BF16)) {
      for (Rounding r : List.of(Rounding.RN, Rounding.RZ)) {
        for (String modifiers : LIMITS) {
          rows.add(
              floating(
                  head(r.modifier(), modifiers, t, F32),
                  t,
                  List.of(F32),
                  x -> limited(modifiers, t.format, x[0], r)));
        }
      }
    }
    return rows;
  }

  private static final List<String> LIMITS = List.of(".relu", ".satfinite", ".relu.satfinite");

  private static long limited(String modifiers, FloatFormat f, long value, Rounding r) {
    long narrow = f.convertFrom(F32.format, value, r);
    if (modifiers.contains(".satfinite") && f.isInfinite(narrow)) {
      narrow = f.largest() | (narrow & f.signBit());
    }
    return modifiers.contains(".relu") ? relu(f, narrow) : narrow;
  }

  @OpcodeRows
  static List<OpcodeRow> floatsRoundToIntegralFloats() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : List.of(F16, BF16, F32, F64)) {
      for (String modifiers : modifiers(t, t)) {
        for (Rounding r : IEEE) {
          rows.add(
              floating(
                  head(r.modifier() + "i", modifiers, t, t),
                  t,
                  List.of(t),
                  x -> {
                    long value = integral(t.format, flushedIf(modifiers, t, x[0]), r);
                    return modifiers.contains(".sat") ? t.format.saturate(value) : value;
                  }));
        }
        // Without a rounding the number stays, but for what the modifiers do.
        rows.add(
            floating(
                head("", modifiers, t, t),
                t,
                List.of(t),
                x -> {
                  long value = flushedIf(modifiers, t, x[0]);
                  return modifiers.contains(".sat") ? t.format.saturate(value) : value;
                }));
      }
    }
    return rows;
  }

  /** ".ftz only if one of the types is .f32; .sat for .f16, .f32, .f64 and integers." */
  private static List<String> modifiers(PtxType from, PtxType to) {
    List<String> list = new ArrayList<>(List.of(""));
    if (to != BF16) {
      list.add(".sat");
    }
    if (from == F32 || to == F32) {
      list.add(".ftz");
      if (to != BF16) {
        list.add(".ftz.sat");
      }
    }
    return list;
  }

  private static String head(String rounding, String modifiers, PtxType to, PtxType from) {
    String dot = rounding.isEmpty() ? "" : ".";
    return "cvt"
        + dot
        + rounding
        + modifiers
        + "."
        + to.modifier()
        + "."
        + from.modifier()
        + " %d, %a";
  }

  /** "Applies only to single precision inputs and results." */
  private static long flushedIf(String modifiers, PtxType t, long value) {
    return modifiers.contains(".ftz") && t == F32 ? t.format.flush(value) : value;
  }

  /** "For .f16x2, input a is the upper half of d and input b the lower half." */
  @OpcodeRows
  static List<OpcodeRow> twoFloatsPackIntoHalvesTheFirstOneHigh() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : List.of(F16X2, BF16X2)) {
      for (Rounding r : List.of(Rounding.RN, Rounding.RZ)) {
        for (String modifiers : List.of("", LIMITS.get(0), LIMITS.get(1), LIMITS.get(2))) {
          rows.add(
              floating(
                  head(r.modifier(), modifiers, t, F32) + ", %b",
                  t,
                  List.of(F32, F32),
                  x ->
                      limited(modifiers, t.format, x[0], r) << 16
                          | limited(modifiers, t.format, x[1], r)));
        }
      }
    }
    return rows;
  }

  /** "Converted with saturation and packed", above what the third operand had in its low half. */
  @OpcodeRows
  static List<OpcodeRow> twoIntegersPackSaturated() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : List.of(U16, S16, U8, S8)) {
      boolean bytes = t.bits == Byte.SIZE;
      rows.add(
          exact(
              "cvt.pack.sat."
                  + t.modifier()
                  + (bytes ? ".s32.b32 %d, %a, %b, %c" : ".s32 %d, %a, %b"),
              U32,
              bytes ? List.of(S32, S32, U32) : List.of(S32, S32),
              x -> {
                long high = t.truncate(clamp(S32.integer(x[0]), t).longValue());
                long low = t.truncate(clamp(S32.integer(x[1]), t).longValue());
                return (bytes ? x[2] << 16 : 0) | high << t.bits | low;
              }));
    }
    return rows;
  }

  /** tf32 has f32's exponent and 10 bits of fraction; the rest of the register is not defined. */
  @OpcodeRows
  static List<OpcodeRow> tf32RoundsToTenBits() {
    List<OpcodeRow> rows = new ArrayList<>();
    rows.add(tf32(Rounding.RNA, ""));
    rows.add(tf32(Rounding.RNA, ".satfinite"));
    for (Rounding r : List.of(Rounding.RN, Rounding.RZ)) {
      rows.add(tf32(r, ""));
      LIMITS.forEach(modifiers -> rows.add(tf32(r, modifiers)));
    }
    return rows;
  }

  private static OpcodeRow tf32(Rounding r, String modifiers) {
    FloatFormat tf32 = FloatFormat.TF32;
    int unused = F32.format.fractionBits() - tf32.fractionBits();
    return new OpcodeRow(
        "cvt." + r.modifier() + modifiers + ".tf32.f32 %t, %a; mov.b32 %d, %t",
        U32,
        List.of(F32),
        x -> limited(modifiers, tf32, x[0], r),
        (t, operands, expected, actual) ->
            tf32.isNan(expected) ? F32.format.isNan(actual) : expected == actual >>> unused);
  }

  /** "A source register may be wider than the type": its low bits are converted. */
  @OpcodeRows
  static List<OpcodeRow> widerRegistersAreReadInTheirLowBits() {
    return List.of(
        exact("cvt.s64.s32 %d, %a", S64, List.of(S64), x -> (int) x[0]),
        exact("cvt.u64.u32 %d, %a", U64, List.of(U64), x -> x[0] & 0xffffffffL),
        exact("cvt.s32.s8 %d, %a", S32, List.of(U32), x -> (byte) x[0]),
        exact("cvt.u32.u16 %d, %a", U32, List.of(U32), x -> x[0] & 0xffff),
        exact("cvt.s64.s16 %d, %a", S64, List.of(U32), x -> (short) x[0]));
  }

  private static long relu(FloatFormat f, long value) {
    return (!f.isNan(value) && f.isNegative(value)) ? 0 : value;
  }

  private static long integral(FloatFormat f, long value, Rounding r) {
    if (f.isNan(value) || f.isInfinite(value)) {
      return f.isNan(value) ? f.nan() : value;
    }
    Dyadic whole = Dyadic.of(f.exact(value).toInteger(r));
    return f.round(whole, Rounding.RN, f.isNegative(value));
  }

  private static long toInteger(PtxType from, PtxType to, long value, Rounding r) {
    FloatFormat f = from.format;
    if (f.isNan(value)) {
      return from != F64 && to.bits < Long.SIZE ? 0 : 1L << (to.bits - 1);
    }
    if (f.isInfinite(value)) {
      return (f.isNegative(value) ? to.min() : to.max()).longValue();
    }
    return clamp(f.exact(value).toInteger(r), to).longValue();
  }

  private static BigInteger clamp(BigInteger value, PtxType type) {
    return value.max(type.min()).min(type.max());
  }
}
