package io.diffuse4j.junit.isa;

import static io.diffuse4j.junit.isa.OpcodeRow.floating;
import static io.diffuse4j.junit.isa.PtxType.BF16;
import static io.diffuse4j.junit.isa.PtxType.BF16X2;
import static io.diffuse4j.junit.isa.PtxType.F16;
import static io.diffuse4j.junit.isa.PtxType.F16X2;
import static io.diffuse4j.junit.isa.PtxType.F32;
import static io.diffuse4j.junit.isa.PtxType.F64;

import io.diffuse4j.junit.VirtualGpu;
import io.diffuse4j.junit.VirtualGpuExtension;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Floating point arithmetic: PTX ISA, "Floating-Point" and "Half Precision" instructions. */
@ExtendWith(VirtualGpuExtension.class)
class FloatOpcodeTest {
  private static final List<Rounding> IEEE =
      List.of(Rounding.RN, Rounding.RZ, Rounding.RM, Rounding.RP);

  /** An operation of up to three operands in a format. */
  private interface Operation {
    long of(FloatFormat format, long[] operands, Rounding rounding);
  }

  @Test
  void singleAndDoubleRoundAsTheModifierSays(VirtualGpu gpu) {
    List<OpcodeRow> rows = new ArrayList<>();
    for (Rounding r : IEEE) {
      for (PtxType t : List.of(F32, F64)) {
        String end = "." + r.modifier() + "." + t.modifier();
        rows.add(row("add" + end, t, 2, r, FloatOpcodeTest::sum));
        rows.add(row("sub" + end, t, 2, r, FloatOpcodeTest::difference));
        rows.add(row("mul" + end, t, 2, r, FloatOpcodeTest::product));
        rows.add(row("fma" + end, t, 3, r, FloatOpcodeTest::fused));
        rows.add(row("mad" + end, t, 3, r, FloatOpcodeTest::fused));
        rows.add(row("div" + end, t, 2, r, (f, x, m) -> f.divide(x[0], x[1], m)));
        rows.add(row("rcp" + end, t, 1, r, (f, x, m) -> f.divide(f.one(), x[0], m)));
        rows.add(row("sqrt" + end, t, 1, r, (f, x, m) -> f.squareRoot(x[0], m)));
      }
    }
    new OpcodeBench(gpu).check(rows);
  }

  @Test
  void flushingTakesSubnormalsAsZerosInAndOut(VirtualGpu gpu) {
    List<OpcodeRow> rows = new ArrayList<>();
    for (Rounding r : IEEE) {
      String end = "." + r.modifier() + ".ftz.f32";
      rows.add(flushed("add" + end, F32, 2, r, FloatOpcodeTest::sum));
      rows.add(flushed("sub" + end, F32, 2, r, FloatOpcodeTest::difference));
      rows.add(flushed("mul" + end, F32, 2, r, FloatOpcodeTest::product));
      rows.add(flushed("fma" + end, F32, 3, r, FloatOpcodeTest::fused));
      rows.add(flushed("div" + end, F32, 2, r, (f, x, m) -> f.divide(x[0], x[1], m)));
      rows.add(flushed("rcp" + end, F32, 1, r, (f, x, m) -> f.divide(f.one(), x[0], m)));
      rows.add(flushed("sqrt" + end, F32, 1, r, (f, x, m) -> f.squareRoot(x[0], m)));
    }
    new OpcodeBench(gpu).check(rows);
  }

  @Test
  void saturationClampsToZeroAndOneAndTakesNanToZero(VirtualGpu gpu) {
    List<OpcodeRow> rows = new ArrayList<>();
    for (Rounding r : IEEE) {
      String end = "." + r.modifier() + ".sat.f32";
      rows.add(row("add" + end, F32, 2, r, saturated(FloatOpcodeTest::sum)));
      rows.add(row("sub" + end, F32, 2, r, saturated(FloatOpcodeTest::difference)));
      rows.add(row("mul" + end, F32, 2, r, saturated(FloatOpcodeTest::product)));
      rows.add(row("fma" + end, F32, 3, r, saturated(FloatOpcodeTest::fused)));
      String both = "." + r.modifier() + ".ftz.sat.f32";
      rows.add(flushed("add" + both, F32, 2, r, saturated(FloatOpcodeTest::sum)));
      rows.add(flushed("fma" + both, F32, 3, r, saturated(FloatOpcodeTest::fused)));
    }
    new OpcodeBench(gpu).check(rows);
  }

  @Test
  void halvesRoundToNearestAloneAndInPairs(VirtualGpu gpu) {
    List<OpcodeRow> rows = new ArrayList<>();
    Rounding r = Rounding.RN;
    for (PtxType t : List.of(F16, F16X2)) {
      String m = t.modifier();
      for (String rounding : List.of("", ".rn")) {
        rows.add(row("add" + rounding + "." + m, t, 2, r, FloatOpcodeTest::sum));
        rows.add(row("sub" + rounding + "." + m, t, 2, r, FloatOpcodeTest::difference));
        rows.add(row("mul" + rounding + "." + m, t, 2, r, FloatOpcodeTest::product));
      }
      rows.add(row("add.sat." + m, t, 2, r, saturated(FloatOpcodeTest::sum)));
      rows.add(row("mul.sat." + m, t, 2, r, saturated(FloatOpcodeTest::product)));
      rows.add(row("fma.rn." + m, t, 3, r, FloatOpcodeTest::fused));
      rows.add(row("fma.rn.sat." + m, t, 3, r, saturated(FloatOpcodeTest::fused)));
      rows.add(row("fma.rn.relu." + m, t, 3, r, rectified(FloatOpcodeTest::fused)));
      rows.add(flushed("add.ftz." + m, t, 2, r, FloatOpcodeTest::sum));
      rows.add(flushed("mul.ftz." + m, t, 2, r, FloatOpcodeTest::product));
      rows.add(flushed("fma.rn.ftz." + m, t, 3, r, FloatOpcodeTest::fused));
      rows.add(row("neg." + m, t, 1, r, (f, x, k) -> f.negate(x[0])));
      rows.add(row("abs." + m, t, 1, r, (f, x, k) -> f.magnitude(x[0])));
    }
    for (PtxType t : List.of(BF16, BF16X2)) {
      rows.add(row("fma.rn." + t.modifier(), t, 3, r, FloatOpcodeTest::fused));
      rows.add(row("fma.rn.relu." + t.modifier(), t, 3, r, rectified(FloatOpcodeTest::fused)));
      rows.add(row("neg." + t.modifier(), t, 1, r, (f, x, k) -> f.negate(x[0])));
      rows.add(row("abs." + t.modifier(), t, 1, r, (f, x, k) -> f.magnitude(x[0])));
    }
    new OpcodeBench(gpu).check(rows);
  }

  /**
   * "If one input is NaN, the result is the other; if both are, the canonical NaN"; with .NaN any
   * NaN gives the canonical one; "+0.0 &gt; -0.0".
   */
  @Test
  void minMaxOrderZerosAndPreferNumbers(VirtualGpu gpu) {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : List.of(F32, F64, F16, F16X2, BF16, BF16X2)) {
      for (boolean max : List.of(false, true)) {
        String name = max ? "max" : "min";
        rows.add(row(name + "." + t.modifier(), t, 2, null, extreme(max, false)));
        if (t != F64) {
          OpcodeRow propagating =
              row(name + ".NaN." + t.modifier(), t, 2, null, extreme(max, true));
          rows.add(canonical(propagating));
        }
      }
    }
    for (boolean max : List.of(false, true)) {
      String name = max ? "max" : "min";
      rows.add(flushed(name + ".ftz.f32", F32, 2, null, extreme(max, false)));
      rows.add(flushed(name + ".ftz.f16", F16, 2, null, extreme(max, false)));
    }
    new OpcodeBench(gpu).check(rows);
  }

  @Test
  void signsAreMovedWithoutArithmetic(VirtualGpu gpu) {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : List.of(F32, F64)) {
      rows.add(row("neg." + t.modifier(), t, 1, null, (f, x, m) -> f.negate(x[0])));
      rows.add(row("abs." + t.modifier(), t, 1, null, (f, x, m) -> f.magnitude(x[0])));
      rows.add(
          row(
              "copysign." + t.modifier(),
              t,
              2,
              null,
              (f, x, m) -> f.magnitude(x[1]) | (x[0] & f.signBit())));
    }
    rows.add(flushed("neg.ftz.f32", F32, 1, null, (f, x, m) -> f.negate(x[0])));
    rows.add(flushed("abs.ftz.f32", F32, 1, null, (f, x, m) -> f.magnitude(x[0])));
    new OpcodeBench(gpu).check(rows);
  }

  private static long sum(FloatFormat f, long[] x, Rounding r) {
    return f.add(x[0], x[1], r);
  }

  private static long difference(FloatFormat f, long[] x, Rounding r) {
    return f.isNan(x[1]) ? f.nan() : f.add(x[0], f.negate(x[1]), r);
  }

  private static long product(FloatFormat f, long[] x, Rounding r) {
    return f.multiply(x[0], x[1], r);
  }

  private static long fused(FloatFormat f, long[] x, Rounding r) {
    return f.fma(x[0], x[1], x[2], r);
  }

  private static Operation saturated(Operation operation) {
    return (f, x, r) -> f.saturate(operation.of(f, x, r));
  }

  /** {@code .relu}: negative results become 0, NaN the canonical NaN. */
  private static Operation rectified(Operation operation) {
    return (f, x, r) -> {
      long value = operation.of(f, x, r);
      return (!f.isNan(value) && f.isNegative(value)) ? 0 : value;
    };
  }

  private static Operation extreme(boolean max, boolean propagatesNan) {
    return (f, x, r) -> {
      boolean firstIsNan = f.isNan(x[0]);
      boolean secondIsNan = f.isNan(x[1]);
      if ((firstIsNan && secondIsNan) || (propagatesNan && (firstIsNan || secondIsNan))) {
        return f.nan();
      }
      if (firstIsNan || secondIsNan) {
        return firstIsNan ? x[1] : x[0];
      }
      int order = f.compare(x[0], x[1]);
      if (order == 0) {
        order = Boolean.compare(f.isNegative(x[1]), f.isNegative(x[0]));
      }
      return (order > 0) == max ? x[0] : x[1];
    };
  }

  private static OpcodeRow canonical(OpcodeRow row) {
    return OpcodeRow.exact(row.text(), row.result(), row.sources(), row.reference());
  }

  private static OpcodeRow flushed(
      String opcode, PtxType t, int operands, Rounding r, Operation operation) {
    Operation flushing =
        (f, x, m) -> {
          long[] flushed = new long[x.length];
          for (int i = 0; i < x.length; i++) {
            flushed[i] = f.flush(x[i]);
          }
          return f.flush(operation.of(f, flushed, m));
        };
    return row(opcode, t, operands, r, flushing);
  }

  private static OpcodeRow row(
      String opcode, PtxType t, int operands, Rounding r, Operation operation) {
    String text = opcode + " %d, %a, %b, %c".substring(0, 3 + 4 * operands);
    return floating(
        text,
        t,
        java.util.Collections.nCopies(operands, t),
        x -> {
          if (!t.packed()) {
            return operation.of(t.format, x, r);
          }
          long[] low = new long[x.length];
          long[] high = new long[x.length];
          for (int i = 0; i < x.length; i++) {
            low[i] = x[i] & 0xffff;
            high[i] = x[i] >>> 16;
          }
          return operation.of(t.format, low, r) | operation.of(t.format, high, r) << 16;
        });
  }
}
