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

import io.diffuse4j.junit.VirtualGpu;
import io.diffuse4j.junit.VirtualGpuExtension;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** PTX ISA, "Data Movement and Conversion Instructions: cvt". */
@ExtendWith(VirtualGpuExtension.class)
class ConversionOpcodeTest {
  private static final List<PtxType> INTEGERS = List.of(U8, S8, U16, S16, U32, S32, U64, S64);
  private static final List<PtxType> FLOATS = List.of(F16, F32, F64);
  private static final List<Rounding> IEEE =
      List.of(Rounding.RN, Rounding.RZ, Rounding.RM, Rounding.RP);

  @Test
  void integersAreCutExtendedOrSaturated(VirtualGpu gpu) {
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
    new OpcodeBench(gpu).check(rows);
  }

  @Test
  void integersBecomeTheFloatThatTheRoundingPicks(VirtualGpu gpu) {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType from : INTEGERS) {
      for (PtxType to : FLOATS) {
        for (Rounding r : IEEE) {
          rows.add(
              exact(
                  "cvt." + r.modifier() + "." + to.modifier() + "." + from.modifier() + " %d, %a",
                  to,
                  List.of(from),
                  x -> to.format.round(Dyadic.of(from.integer(x[0])), r, false)));
        }
      }
    }
    new OpcodeBench(gpu).check(rows);
  }

  /**
   * Clamped to the destination's range. The ISA says "NaN inputs are converted to 0", CUDA's own
   * __double2int_rz and __float2ll_rz promise the top bit instead where f64 or 64-bit integers take
   * part: no row for a NaN there.
   */
  @Test
  void floatsBecomeIntegersClampedToTheRange(VirtualGpu gpu) {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType from : FLOATS) {
      for (PtxType to : INTEGERS) {
        for (Rounding r : IEEE) {
          String types = to.modifier() + "." + from.modifier();
          rows.add(
              exact(
                  zeroForNan(from, to) + "cvt." + r.modifier() + "i." + types + " %d, %a",
                  to,
                  List.of(from),
                  x -> toInteger(from, to, x[0], r)));
        }
      }
    }
    rows.add(
        exact(
            "cvt.rpi.ftz.s32.f32 %d, %a",
            S32, List.of(F32), x -> toInteger(F32, S32, F32.format.flush(x[0]), Rounding.RP)));
    new OpcodeBench(gpu).check(rows);
  }

  @Test
  void floatsRoundToNarrowerFormatsAndWidenExactly(VirtualGpu gpu) {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : List.of(F16, BF16)) {
      rows.add(convert("cvt.f32." + t.modifier(), t, F32, Rounding.RN));
      for (Rounding r : List.of(Rounding.RN, Rounding.RZ)) {
        rows.add(convert("cvt." + r.modifier() + "." + t.modifier() + ".f32", F32, t, r));
      }
      rows.add(
          floating(
              "cvt.rn.relu." + t.modifier() + ".f32 %d, %a",
              t,
              List.of(F32),
              x -> relu(t.format, t.format.convertFrom(F32.format, x[0], Rounding.RN))));
    }
    rows.add(convert("cvt.f64.f32", F32, F64, Rounding.RN));
    rows.add(convert("cvt.f64.f16", F16, F64, Rounding.RN));
    for (Rounding r : IEEE) {
      rows.add(convert("cvt." + r.modifier() + ".f32.f64", F64, F32, r));
      rows.add(convert("cvt." + r.modifier() + ".f16.f64", F64, F16, r));
      rows.add(convert("cvt." + r.modifier() + ".f16.f32", F32, F16, r));
      rows.add(
          floating(
              "cvt." + r.modifier() + ".sat.f32.f64 %d, %a",
              F32,
              List.of(F64),
              x -> F32.format.saturate(F32.format.convertFrom(F64.format, x[0], r))));
      rows.add(
          floating(
              "cvt." + r.modifier() + ".ftz.f32.f64 %d, %a",
              F32,
              List.of(F64),
              x -> F32.format.flush(F32.format.convertFrom(F64.format, x[0], r))));
    }
    rows.add(
        floating(
            "cvt.ftz.f64.f32 %d, %a",
            F64,
            List.of(F32),
            x -> F64.format.convertFrom(F32.format, F32.format.flush(x[0]), Rounding.RN)));
    new OpcodeBench(gpu).check(rows);
  }

  @Test
  void floatsRoundToIntegralFloats(VirtualGpu gpu) {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : FLOATS) {
      for (Rounding r : IEEE) {
        String m = t.modifier();
        rows.add(
            floating(
                "cvt." + r.modifier() + "i." + m + "." + m + " %d, %a",
                t,
                List.of(t),
                x -> integral(t.format, x[0], r)));
      }
    }
    new OpcodeBench(gpu).check(rows);
  }

  /** "For .f16x2, input a is the upper half of d and input b the lower half." */
  @Test
  void twoFloatsPackIntoHalvesTheFirstOneHigh(VirtualGpu gpu) {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : List.of(F16X2, BF16X2)) {
      for (Rounding r : List.of(Rounding.RN, Rounding.RZ)) {
        String end = t.modifier() + ".f32 %d, %a, %b";
        rows.add(
            floating(
                "cvt." + r.modifier() + "." + end,
                t,
                List.of(F32, F32),
                x -> pack(t.format, x, r, false)));
        rows.add(
            floating(
                "cvt." + r.modifier() + ".relu." + end,
                t,
                List.of(F32, F32),
                x -> pack(t.format, x, r, true)));
      }
    }
    new OpcodeBench(gpu).check(rows);
  }

  /** tf32 has f32's exponent and 10 bits of fraction; the rest of the register is not defined. */
  @Test
  void tf32RoundsToTenBitsTiesAway(VirtualGpu gpu) {
    FloatFormat tf32 = FloatFormat.TF32;
    int unused = F32.format.fractionBits() - tf32.fractionBits();
    OpcodeRow row =
        new OpcodeRow(
            "cvt.rna.tf32.f32 %t, %a; mov.b32 %d, %t",
            U32,
            List.of(F32),
            x -> tf32.convertFrom(F32.format, x[0], Rounding.RNA),
            (t, expected, actual) ->
                tf32.isNan(expected) ? F32.format.isNan(actual) : expected == actual >>> unused);
    new OpcodeBench(gpu).check(List.of(row));
  }

  /** "A source register may be wider than the type": its low bits are converted. */
  @Test
  void widerRegistersAreReadInTheirLowBits(VirtualGpu gpu) {
    new OpcodeBench(gpu)
        .check(
            List.of(
                exact("cvt.s64.s32 %d, %a", S64, List.of(S64), x -> (int) x[0]),
                exact("cvt.u64.u32 %d, %a", U64, List.of(U64), x -> x[0] & 0xffffffffL),
                exact("cvt.s32.s8 %d, %a", S32, List.of(U32), x -> (byte) x[0]),
                exact("cvt.u32.u16 %d, %a", U32, List.of(U32), x -> x[0] & 0xffff),
                exact("cvt.s64.s16 %d, %a", S64, List.of(U32), x -> (short) x[0])));
  }

  private static OpcodeRow convert(String opcode, PtxType from, PtxType to, Rounding r) {
    return floating(
        opcode + " %d, %a", to, List.of(from), x -> to.format.convertFrom(from.format, x[0], r));
  }

  private static long pack(FloatFormat f, long[] x, Rounding r, boolean relu) {
    long high = f.convertFrom(F32.format, x[0], r);
    long low = f.convertFrom(F32.format, x[1], r);
    return relu ? relu(f, high) << 16 | relu(f, low) : high << 16 | low;
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
      return 0;
    }
    if (f.isInfinite(value)) {
      return (f.isNegative(value) ? to.min() : to.max()).longValue();
    }
    return clamp(f.exact(value).toInteger(r), to).longValue();
  }

  /** Replaces a NaN by zero where the documents disagree on it. */
  private static String zeroForNan(PtxType from, PtxType to) {
    if (from != F64 && to.bits < 64) {
      return "";
    }
    String m = from.modifier();
    return "setp.nan." + m + " %p, %a, %a; @%p mov.b" + from.bits + " %a, 0; ";
  }

  private static BigInteger clamp(BigInteger value, PtxType type) {
    return value.max(type.min()).min(type.max());
  }
}
