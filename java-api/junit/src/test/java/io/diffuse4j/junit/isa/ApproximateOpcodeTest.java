package io.diffuse4j.junit.isa;

import static io.diffuse4j.junit.isa.PtxType.BF16;
import static io.diffuse4j.junit.isa.PtxType.BF16X2;
import static io.diffuse4j.junit.isa.PtxType.F16;
import static io.diffuse4j.junit.isa.PtxType.F16X2;
import static io.diffuse4j.junit.isa.PtxType.F32;
import static io.diffuse4j.junit.isa.PtxType.F64;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.junit.VirtualGpu;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

/**
 * The functions that PTX only approximates: the tables of special operands hold exactly, all other
 * results lie within the bound that the ISA states, also when the virtual GPU is told to use it up.
 */
class ApproximateOpcodeTest extends OpcodeRowTest {
  private static final double TWO_PI = 2 * Math.PI;
  private static final double HUNDRED_PI = 100 * Math.PI;

  /** The greatest error for an operand and the exact result. */
  private interface Bound {
    double of(double operand, double exact);
  }

  private static final Bound ONE_ULP = (x, y) -> ulp(y);
  private static final Bound TWO_ULP = (x, y) -> 2 * ulp(y);
  private static final Bound TRIGONOMETRIC =
      (x, y) ->
          Math.abs(x) <= TWO_PI
              ? Math.pow(2, -20.5)
              : Math.abs(x) <= HUNDRED_PI ? Math.pow(2, -14.7) : 2;

  @OpcodeRows
  static List<OpcodeRow> singlePrecisionStaysWithinTheBound() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (boolean ftz : List.of(false, true)) {
      rows.add(unary("rcp", F32, ftz, x -> 1 / x, ONE_ULP));
      rows.add(unary("sqrt", F32, ftz, Math::sqrt, relative(-23)));
      rows.add(unary("rsqrt", F32, ftz, x -> 1 / Math.sqrt(x), relative(-22.9)));
      rows.add(unary("sin", F32, ftz, StrictMath::sin, TRIGONOMETRIC));
      rows.add(unary("cos", F32, ftz, StrictMath::cos, TRIGONOMETRIC));
      rows.add(
          unary(
              "lg2",
              F32,
              ftz,
              ApproximateOpcodeTest::lg2,
              (x, y) -> Math.pow(2, -22) * (x > 0.5 && x < 2 ? 1 : Math.abs(y))));
      rows.add(unary("ex2", F32, ftz, x -> StrictMath.pow(2, x), TWO_ULP));
    }
    rows.add(unary("tanh", F32, false, StrictMath::tanh, relative(-11)));
    return rows;
  }

  @OpcodeRows
  static List<OpcodeRow> halfPrecisionStaysWithinTheBound() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : List.of(F16, F16X2)) {
      rows.add(unary("ex2", t, false, x -> StrictMath.pow(2, x), relative(-9.9)));
      rows.add(unary("tanh", t, false, StrictMath::tanh, (x, y) -> Math.pow(2, -10.987)));
    }
    for (PtxType t : List.of(BF16, BF16X2)) {
      rows.add(unary("ex2", t, true, x -> StrictMath.pow(2, x), relative(-7)));
      rows.add(unary("tanh", t, false, StrictMath::tanh, (x, y) -> Math.pow(2, -8)));
    }
    return rows;
  }

  /**
   * "For |b| in [2^-126, 2^126] the maximum ulp error is 2. For 2^126 &lt; |b| &lt; 2^128, if a is
   * infinity, div.approx.f32 returns NaN, otherwise a sign-preserving zero."; {@code div.full} is
   * within 2 ulp everywhere.
   */
  @OpcodeRows
  static List<OpcodeRow> divisionsStayWithinTwoUlp() {
    List<OpcodeRow> rows = new ArrayList<>();
    DoubleBinaryOperator approximate =
        (a, b) -> {
          boolean large = Math.abs(b) > 0x1p126 && !Double.isInfinite(b);
          if (!large || Double.isNaN(a)) {
            return a / b;
          }
          return Double.isInfinite(a) ? Double.NaN : Math.copySign(0.0, a / b);
        };
    for (boolean ftz : List.of(false, true)) {
      String end = (ftz ? ".ftz" : "") + ".f32 %d, %a, %b";
      rows.add(quotient("div.full" + end, ftz, (a, b) -> a / b));
      // Divisors below 2^-126 are outside of what the ISA promises.
      String normal = "testp.subnormal.f32 %p, %b; @%p mov.b32 %b, 0f3F800000; div.approx" + end;
      rows.add(quotient(normal, ftz, approximate));
    }
    return rows;
  }

  /** "The maximum ulp error is 2" must be read where an infinite quotient is rounded, too. */
  private static OpcodeRow quotient(String text, boolean ftz, DoubleBinaryOperator exact) {
    return new OpcodeRow(
        text,
        F32,
        List.of(F32, F32),
        x -> {
          long divisor =
              text.startsWith("testp") && F32.format.isSubnormal(x[1]) ? F32.format.one() : x[1];
          double a = value(F32.format, ftz ? F32.format.flush(x[0]) : x[0]);
          double b = value(F32.format, ftz ? F32.format.flush(divisor) : divisor);
          return Double.doubleToRawLongBits(exact.applyAsDouble(a, b));
        },
        (type, operands, expected, actual) ->
            within(type.format, ftz, TWO_ULP, 1, Double.longBitsToDouble(expected), actual));
  }

  /** Only the upper halves of the operand and of the result count; NaN is 0x7fffffff00000000. */
  @OpcodeRows
  static List<OpcodeRow> grossDoublesAreRoughAndFlushed() {
    List<OpcodeRow> rows = new ArrayList<>();
    rows.add(gross("rcp", x -> 1 / x));
    rows.add(gross("rsqrt", x -> 1 / Math.sqrt(x)));
    return rows;
  }

  /** No bound is stated: what is used for comparison is far below single precision's. */
  @OpcodeRows
  static List<OpcodeRow> doubleRsqrtKeepsSubnormals() {
    return List.of(
        new OpcodeRow(
            "rsqrt.approx.f64 %d, %a",
            F64,
            List.of(F64),
            x -> Double.doubleToRawLongBits(1 / Math.sqrt(Double.longBitsToDouble(x[0]))),
            (type, operands, expected, actual) -> {
              double e = Double.longBitsToDouble(expected);
              double a = Double.longBitsToDouble(actual);
              return close(e, a, Math.abs(e) * 0x1p-40);
            }));
  }

  /**
   * With {@code approximation=1} every row still holds, and the error is there: results differ from
   * the accurate ones and come near the bound.
   */
  @Test
  void injectedErrorFillsTheBoundAndStaysInside(VirtualGpu gpu) {
    gpu.driver().configure("approximation=1");
    OpcodeBench bench = new OpcodeBench(gpu);
    bench.check(singlePrecisionStaysWithinTheBound());
    bench.check(halfPrecisionStaysWithinTheBound());
    bench.check(divisionsStayWithinTwoUlp());
    for (OpcodeRow row : singlePrecisionStaysWithinTheBound()) {
      assertTrue(share(bench, row) > 0.6, () -> row.text() + " uses little of its bound");
    }
    gpu.driver().configure("approximation=0.25");
    for (OpcodeRow row : singlePrecisionStaysWithinTheBound()) {
      // Results are rounded to single precision: half a unit more than what was asked for.
      double share = share(bench, row);
      assertTrue(share <= 0.76, () -> row.text() + " uses " + share + " of its bound");
    }
  }

  @Test
  void specialOperandsAreExact(VirtualGpu gpu) {
    gpu.driver().configure("approximation=1");
    double inf = Double.POSITIVE_INFINITY;
    double nan = Double.NaN;
    table(gpu, "rcp", new double[] {-0.0, Double.NEGATIVE_INFINITY, inf, 0, nan});
    table(gpu, "sqrt", new double[] {nan, -0.0, 0, inf, nan});
    table(gpu, "rsqrt", new double[] {nan, Double.NEGATIVE_INFINITY, inf, 0, nan});
    table(gpu, "sin", new double[] {nan, -0.0, 0, nan, nan});
    table(gpu, "cos", new double[] {nan, 1, 1, nan, nan});
    table(
        gpu,
        "lg2",
        new double[] {nan, Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY, inf, nan});
    table(gpu, "ex2", new double[] {0, 1, 1, inf, nan});
    table(gpu, "tanh", new double[] {-1, -0.0, 0, 1, nan});
  }

  /** The tables of the ISA: results for -Inf, -0, +0, +Inf and NaN. */
  private static void table(VirtualGpu gpu, String op, double[] results) {
    double[] operands = {Double.NEGATIVE_INFINITY, -0.0, 0, Double.POSITIVE_INFINITY, Double.NaN};
    long[] inputs = new long[WarpBench.LANES];
    for (int i = 0; i < operands.length; i++) {
      inputs[i] = Float.floatToRawIntBits((float) operands[i]);
    }
    WarpBench.Code code =
        WarpBench.Code.warp(List.of("b32"), List.of("b32"), op + ".approx.f32 %o0, %i0");
    long[] outputs = new WarpBench(gpu).run(code, new long[][] {inputs})[0];
    for (int i = 0; i < operands.length; i++) {
      assertEquals(
          (float) results[i], Float.intBitsToFloat((int) outputs[i]), op + " " + operands[i]);
    }
  }

  /** The greatest error as a part of the bound, over the results that have one. */
  private static double share(OpcodeBench bench, OpcodeRow row) {
    double[] greatest = {0};
    OpcodeRow measured =
        new OpcodeRow(
            row.text(),
            row.result(),
            row.sources(),
            row.reference(),
            (type, operands, expected, actual) -> {
              double exact = Double.longBitsToDouble(expected);
              double error = Math.abs(value(type.format, actual) - exact);
              double bound =
                  ((Within) row.match()).bound().of(value(F32.format, operands[0]), exact);
              boolean counts = Math.abs(exact) > 0x1p-100 && error < Double.MAX_VALUE && bound < 1;
              greatest[0] = Math.max(greatest[0], counts ? error / bound : 0);
              return true;
            });
    bench.check(List.of(measured));
    return greatest[0];
  }

  private record Within(boolean ftz, Bound bound) implements OpcodeRow.Match {
    @Override
    public boolean accepts(PtxType type, long[] operands, long expected, long actual) {
      double x = value(type.format, operands[0]);
      return within(type.format, ftz, bound, x, Double.longBitsToDouble(expected), actual);
    }
  }

  private static OpcodeRow unary(
      String op, PtxType t, boolean ftz, DoubleUnaryOperator exact, Bound bound) {
    String text = op + ".approx" + (ftz ? ".ftz." : ".") + t.modifier() + " %d, %a";
    FloatFormat f = t.format;
    if (t.packed()) {
      // Both halves are compared here: a result has room for one exact value only.
      return new OpcodeRow(
          text,
          t,
          Collections.nCopies(1, t),
          x -> x[0],
          (type, operands, expected, actual) -> {
            boolean right = true;
            for (int shift = 0; shift < 32; shift += 16) {
              long a = operands[0] >>> shift & 0xffff;
              double x = value(f, ftz ? f.flush(a) : a);
              right &= within(f, ftz, bound, x, exact.applyAsDouble(x), actual >>> shift & 0xffff);
            }
            return right;
          });
    }
    return new OpcodeRow(
        text,
        t,
        List.of(t),
        x -> {
          double operand = value(f, ftz ? f.flush(x[0]) : x[0]);
          return Double.doubleToRawLongBits(exact.applyAsDouble(operand));
        },
        new Within(ftz, bound));
  }

  private static OpcodeRow gross(String op, DoubleUnaryOperator exact) {
    return new OpcodeRow(
        op + ".approx.ftz.f64 %d, %a",
        F64,
        List.of(F64),
        x -> {
          long upper = F64.format.flush(x[0] & 0xffffffff00000000L);
          double value = exact.applyAsDouble(Double.longBitsToDouble(upper));
          return F64.format.flush(Double.doubleToRawLongBits(value));
        },
        (type, operands, expected, actual) -> {
          double e = Double.longBitsToDouble(expected);
          if (Double.isNaN(e)) {
            return actual == 0x7fffffff00000000L;
          }
          // 20 bits of the operand's fraction are read and 20 of the result's are written.
          boolean rough = close(e, Double.longBitsToDouble(actual), Math.abs(e) * 0x1p-19);
          return rough && (actual & 0xffffffffL) == 0;
        });
  }

  /** Whether bits are a result for the exact value; beyond the largest number, infinity is one. */
  private static boolean within(
      FloatFormat f, boolean ftz, Bound bound, double operand, double exact, long actual) {
    double result = value(f, actual);
    if (Double.isNaN(exact)) {
      return Double.isNaN(result);
    }
    long nearestBits =
        f.convertFrom(FloatFormat.F64, Double.doubleToRawLongBits(exact), Rounding.RN);
    double nearest = value(f, nearestBits);
    if (result == nearest) {
      boolean signed =
          result != 0 || exact != 0 || f.isNegative(actual) == f.isNegative(nearestBits);
      return signed && !(ftz && f.isSubnormal(actual));
    }
    double leastNormal = value(f, 1L << f.fractionBits());
    if (ftz && result == 0 && Math.abs(exact) - bound.of(operand, exact) < leastNormal) {
      return f.isNegative(actual) == exact < 0; // a result within the bound is flushed
    }
    if (Double.isInfinite(result) || Double.isInfinite(nearest) || Double.isInfinite(exact)) {
      // One step from the largest number to infinity is within two units.
      double largest = value(f, f.largest());
      return Math.abs(Math.abs(exact) - largest) <= bound.of(operand, largest)
          && Math.signum(result) == Math.signum(exact);
    }
    return Math.abs(result - exact) <= bound.of(operand, exact);
  }

  private static boolean close(double expected, double actual, double bound) {
    if (Double.isNaN(expected) || Double.isInfinite(expected) || expected == 0) {
      return Double.compare(expected, actual) == 0;
    }
    return Math.abs(expected - actual) <= bound;
  }

  private static double value(FloatFormat f, long bits) {
    return Double.longBitsToDouble(FloatFormat.F64.convertFrom(f, bits, Rounding.RN));
  }

  private static double ulp(double exact) {
    return Math.pow(2, Math.max(Math.getExponent(exact), -126) - 23);
  }

  private static Bound relative(double exponent) {
    return (x, y) -> Math.pow(2, exponent) * Math.abs(y);
  }

  /**
   * StrictMath has no logarithm to base 2; near 1 its error is one of the last places of a double.
   */
  private static double lg2(double x) {
    return StrictMath.log(x) / StrictMath.log(2);
  }
}
