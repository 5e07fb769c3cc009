package io.diffuse4j.junit.isa;

import static io.diffuse4j.junit.isa.OpcodeRow.floating;
import static io.diffuse4j.junit.isa.PtxType.BF16;
import static io.diffuse4j.junit.isa.PtxType.BF16X2;
import static io.diffuse4j.junit.isa.PtxType.F16;
import static io.diffuse4j.junit.isa.PtxType.F16X2;
import static io.diffuse4j.junit.isa.PtxType.F32;
import static io.diffuse4j.junit.isa.PtxType.F64;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongPredicate;

/** Floating point arithmetic: PTX ISA, "Floating-Point" and "Half Precision" instructions. */
class FloatOpcodeTest extends OpcodeRowTest {
  private static final List<Rounding> IEEE =
      List.of(Rounding.RN, Rounding.RZ, Rounding.RM, Rounding.RP);

  /** An operation of up to three operands in a format. */
  private interface Operation {
    long of(FloatFormat format, long[] operands, Rounding rounding);
  }

  /** What flushing and saturation make of an operation. */
  private record Modified(String modifiers, boolean ftz, boolean sat, boolean relu) {
    Operation of(Operation operation) {
      Operation clamped = sat ? saturated(operation) : relu ? rectified(operation) : operation;
      return ftz ? flushed(clamped) : clamped;
    }
  }

  private static final Modified PLAIN = new Modified("", false, false, false);
  private static final Modified FTZ = new Modified(".ftz", true, false, false);
  private static final Modified SAT = new Modified(".sat", false, true, false);
  private static final Modified FTZ_SAT = new Modified(".ftz.sat", true, true, false);
  private static final Modified RELU = new Modified(".relu", false, false, true);
  private static final Modified FTZ_RELU = new Modified(".ftz.relu", true, false, true);

  /** Two-operand sums and products: the rounding may be left out, then it is to nearest. */
  @OpcodeRows
  static List<OpcodeRow> sumsAndProductsRoundAsTheModifierSays() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (String rounding : List.of("", ".rn", ".rz", ".rm", ".rp")) {
      Rounding r = rounding(rounding);
      for (Modified m : List.of(PLAIN, FTZ, SAT, FTZ_SAT)) {
        sums(rows, rounding, m, F32, r);
      }
      sums(rows, rounding, PLAIN, F64, r);
      if (r == Rounding.RN) {
        for (PtxType t : List.of(F16, F16X2)) {
          for (Modified m : List.of(PLAIN, FTZ, SAT, FTZ_SAT)) {
            sums(rows, rounding, m, t, r);
          }
        }
        sums(rows, rounding, PLAIN, BF16, r);
        sums(rows, rounding, PLAIN, BF16X2, r);
      }
    }
    return rows;
  }

  private static void sums(
      List<OpcodeRow> rows, String rounding, Modified m, PtxType t, Rounding r) {
    String end = rounding + m.modifiers() + "." + t.modifier();
    rows.add(row("add" + end, t, 2, r, m.of(FloatOpcodeTest::sum)));
    rows.add(row("sub" + end, t, 2, r, m.of(FloatOpcodeTest::difference)));
    rows.add(row("mul" + end, t, 2, r, m.of(FloatOpcodeTest::product)));
  }

  @OpcodeRows
  static List<OpcodeRow> fusedMultiplyAddRoundsOnce() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (Rounding r : IEEE) {
      for (String op : List.of("fma.", "mad.")) {
        for (Modified m : List.of(PLAIN, FTZ, SAT, FTZ_SAT)) {
          String text = op + r.modifier() + m.modifiers() + ".f32";
          rows.add(row(text, F32, 3, r, m.of(FloatOpcodeTest::fused)));
        }
        rows.add(row(op + r.modifier() + ".f64", F64, 3, r, FloatOpcodeTest::fused));
      }
    }
    for (PtxType t : List.of(F16, F16X2, BF16, BF16X2)) {
      List<Modified> all =
          t.format == FloatFormat.F16
              ? List.of(PLAIN, FTZ, SAT, FTZ_SAT, RELU, FTZ_RELU)
              : List.of(PLAIN, RELU);
      for (Modified m : all) {
        String text = "fma.rn" + m.modifiers() + "." + t.modifier();
        rows.add(row(text, t, 3, Rounding.RN, m.of(FloatOpcodeTest::fused)));
      }
    }
    return rows;
  }

  @OpcodeRows
  static List<OpcodeRow> quotientsAndRootsRoundAsTheModifierSays() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (Rounding r : IEEE) {
      for (PtxType t : List.of(F32, F64)) {
        for (Modified m : t == F32 ? List.of(PLAIN, FTZ) : List.of(PLAIN)) {
          String end = "." + r.modifier() + m.modifiers() + "." + t.modifier();
          rows.add(row("div" + end, t, 2, r, m.of((f, x, k) -> f.divide(x[0], x[1], k))));
          rows.add(row("rcp" + end, t, 1, r, m.of((f, x, k) -> f.divide(f.one(), x[0], k))));
          rows.add(row("sqrt" + end, t, 1, r, m.of((f, x, k) -> f.squareRoot(x[0], k))));
        }
      }
    }
    return rows;
  }

  /**
   * "If one input is NaN, the result is the other; if both are, the canonical NaN"; with .NaN any
   * NaN gives the canonical one; "+0.0 &gt; -0.0"; with .xorsign.abs the magnitudes are compared
   * and the sign is that of the product.
   */
  @OpcodeRows
  static List<OpcodeRow> minMaxOrderZerosAndPreferNumbers() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : List.of(F32, F64, F16, F16X2, BF16, BF16X2)) {
      boolean flushes = t == F32 || t.format == FloatFormat.F16;
      for (boolean max : List.of(false, true)) {
        for (Modified m : flushes ? List.of(PLAIN, FTZ) : List.of(PLAIN)) {
          for (boolean nan : t == F64 ? List.of(false) : List.of(false, true)) {
            for (boolean xorsign : t == F64 ? List.of(false) : List.of(false, true)) {
              String text =
                  (max ? "max" : "min")
                      + m.modifiers()
                      + (nan ? ".NaN" : "")
                      + (xorsign ? ".xorsign.abs" : "")
                      + ("." + t.modifier());
              Operation plain = extreme(max, nan);
              OpcodeRow row = row(text, t, 2, null, m.of(xorsign ? signed(plain) : plain));
              rows.add(nan ? canonical(row) : row);
            }
          }
        }
      }
    }
    return rows;
  }

  @OpcodeRows
  static List<OpcodeRow> signsAreMovedWithoutArithmetic() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : List.of(F32, F64, F16, F16X2, BF16, BF16X2)) {
      boolean flushes = t == F32 || t.format == FloatFormat.F16;
      for (Modified m : flushes ? List.of(PLAIN, FTZ) : List.of(PLAIN)) {
        String end = m.modifiers() + "." + t.modifier();
        rows.add(row("neg" + end, t, 1, null, m.of((f, x, k) -> f.negate(x[0]))));
        rows.add(row("abs" + end, t, 1, null, m.of((f, x, k) -> f.magnitude(x[0]))));
      }
    }
    for (PtxType t : List.of(F32, F64)) {
      rows.add(
          row(
              "copysign." + t.modifier(),
              t,
              2,
              null,
              (f, x, m) -> f.magnitude(x[1]) | (x[0] & f.signBit())));
    }
    return rows;
  }

  @OpcodeRows
  static List<OpcodeRow> propertiesAreTested() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : List.of(F32, F64)) {
      FloatFormat f = t.format;
      property(rows, t, "finite", x -> !f.isNan(x) && !f.isInfinite(x));
      property(rows, t, "infinite", f::isInfinite);
      property(rows, t, "number", x -> !f.isNan(x));
      property(rows, t, "notanumber", f::isNan);
      property(
          rows,
          t,
          "normal",
          x -> !f.isNan(x) && !f.isInfinite(x) && !f.isSubnormal(x) && !f.isZero(x));
      property(rows, t, "subnormal", f::isSubnormal);
    }
    return rows;
  }

  private static void property(
      List<OpcodeRow> rows, PtxType t, String name, LongPredicate reference) {
    rows.add(
        OpcodeRow.exact(
            "testp." + name + "." + t.modifier() + " %p, %a; selp.b32 %d, 1, 0, %p",
            PtxType.U32,
            List.of(t),
            x -> reference.test(x[0]) ? 1 : 0));
  }

  private static Rounding rounding(String modifier) {
    return modifier.isEmpty()
        ? Rounding.RN
        : Rounding.valueOf(modifier.substring(1).toUpperCase(java.util.Locale.ROOT));
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

  private static Operation flushed(Operation operation) {
    return (f, x, m) -> {
      long[] operands = new long[x.length];
      for (int i = 0; i < x.length; i++) {
        operands[i] = f.flush(x[i]);
      }
      return f.flush(operation.of(f, operands, m));
    };
  }

  /** {@code .xorsign.abs} */
  private static Operation signed(Operation extreme) {
    return (f, x, m) -> {
      long magnitude = extreme.of(f, new long[] {f.magnitude(x[0]), f.magnitude(x[1])}, m);
      return f.isNan(magnitude) ? magnitude : magnitude | ((x[0] ^ x[1]) & f.signBit());
    };
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
