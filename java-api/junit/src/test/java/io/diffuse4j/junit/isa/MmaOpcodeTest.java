package io.diffuse4j.junit.isa;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.junit.VirtualGpu;
import io.diffuse4j.junit.VirtualGpuExtension;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * PTX ISA, "Multiply-and-Accumulate Instruction: mma". The order and the rounding of the sums are
 * unspecified, so sums are chosen that are exact in every order.
 */
@ExtendWith(VirtualGpuExtension.class)
class MmaOpcodeTest {
  private static final int N = 8;

  /**
   * The suffix of an {@code mma.sync.aligned}: shape, types in the order d, a, b, c, bit operation.
   */
  record Mma(String shape, boolean satfinite, String d, String a, String b, String operation) {
    @Override
    public String toString() {
      return "mma.sync.aligned."
          + shape
          + ".row.col"
          + (satfinite ? ".satfinite." : ".")
          + String.join(".", d, a, b, d)
          + operation;
    }

    int m() {
      return Integer.parseInt(shape.substring(1, shape.indexOf('n')));
    }

    int k() {
      return Integer.parseInt(shape.substring(shape.indexOf('k') + 1));
    }

    MmaFragment fragmentA() {
      return MmaFragment.a(shape, bits(a));
    }

    MmaFragment fragmentB() {
      return MmaFragment.b(shape, bits(b));
    }

    MmaFragment fragmentC() {
      return MmaFragment.accumulator(shape, bits(d));
    }

    WarpBench.Code code() {
      List<String> inputs = new ArrayList<>();
      List<String> lists = new ArrayList<>();
      for (MmaFragment f : List.of(fragmentA(), fragmentB(), fragmentC())) {
        int first = inputs.size();
        IntStream.range(0, f.registers()).forEach(r -> inputs.add(f.register()));
        lists.add(list("%i", first, f.registers()));
      }
      List<String> outputs =
          IntStream.range(0, fragmentC().registers())
              .mapToObj(r -> fragmentC().register())
              .toList();
      String text = this + " " + list("%o", 0, outputs.size()) + ", " + String.join(", ", lists);
      return WarpBench.Code.warp(inputs, outputs, text);
    }

    private static String list(String prefix, int first, int count) {
      return IntStream.range(first, first + count)
          .mapToObj(r -> prefix + r)
          .collect(java.util.stream.Collectors.joining(", ", "{", "}"));
    }
  }

  static List<Mma> floats() {
    List<Mma> list = new ArrayList<>();
    for (String shape : List.of("m16n8k8", "m16n8k16")) {
      list.add(new Mma(shape, false, "f32", "f16", "f16", ""));
      list.add(new Mma(shape, false, "f16", "f16", "f16", ""));
      list.add(new Mma(shape, false, "f32", "bf16", "bf16", ""));
    }
    list.add(new Mma("m16n8k4", false, "f32", "tf32", "tf32", ""));
    list.add(new Mma("m16n8k8", false, "f32", "tf32", "tf32", ""));
    list.add(new Mma("m8n8k4", false, "f64", "f64", "f64", ""));
    return list;
  }

  static List<Mma> integers() {
    List<Mma> list = new ArrayList<>();
    for (boolean satfinite : List.of(false, true)) {
      for (String shape : List.of("m8n8k16", "m16n8k16", "m16n8k32")) {
        for (String types : List.of("s8 s8", "s8 u8", "u8 s8", "u8 u8")) {
          list.add(new Mma(shape, satfinite, "s32", types.substring(0, 2), types.substring(3), ""));
        }
      }
      for (String shape : List.of("m8n8k32", "m16n8k32", "m16n8k64")) {
        for (String types : List.of("s4 s4", "s4 u4", "u4 s4", "u4 u4")) {
          list.add(new Mma(shape, satfinite, "s32", types.substring(0, 2), types.substring(3), ""));
        }
      }
    }
    for (String shape : List.of("m8n8k128", "m16n8k128", "m16n8k256")) {
      list.add(new Mma(shape, false, "s32", "b1", "b1", ".xor.popc"));
      list.add(new Mma(shape, false, "s32", "b1", "b1", ".and.popc"));
    }
    return list;
  }

  static Stream<Form> forms() {
    return Stream.concat(floats().stream(), integers().stream()).flatMap(m -> m.code().forms());
  }

  /** Small integers and quarters: every partial sum is exact, also in f16. */
  @ParameterizedTest
  @MethodSource("floats")
  void productsAddUpInEveryElement(Mma mma, VirtualGpu gpu) {
    Random random = new Random(mma.toString().hashCode());
    double unit = mma.d().equals("f16") ? 1 : 0.25;
    double[][] a = random(random, mma.m(), mma.k(), unit);
    double[][] b = random(random, mma.k(), N, unit);
    double[][] c = random(random, mma.m(), N, unit);
    a[0][0] = -0.0;
    c[1][1] = -0.0;
    double[][] actual = run(gpu, mma, a, b, c);
    for (int i = 0; i < mma.m(); i++) {
      for (int j = 0; j < N; j++) {
        double expected = c[i][j];
        for (int k = 0; k < mma.k(); k++) {
          expected += a[i][k] * b[k][j];
        }
        assertEquals(expected + 0.0, actual[i][j] + 0.0, mma + " row " + i + " column " + j);
      }
    }
  }

  /** An infinity times zero and opposite infinities are NaN; NaN stays in its row and column. */
  @ParameterizedTest
  @MethodSource("floats")
  void infinitiesAndNansSpreadOverTheirRowOrColumnOnly(Mma mma, VirtualGpu gpu) {
    double[][] a = filled(mma.m(), mma.k(), 1);
    double[][] b = filled(mma.k(), N, 1);
    double[][] c = filled(mma.m(), N, 1);
    int last = mma.k() - 1;
    a[0][last] = Double.POSITIVE_INFINITY;
    a[3][0] = Double.NaN;
    b[last][1] = 0;
    b[last][2] = -1;
    b[0][5] = Double.NaN;
    c[0][3] = Double.NEGATIVE_INFINITY;
    c[4][4] = Double.NEGATIVE_INFINITY;
    c[5][6] = Double.NaN;
    double[][] actual = run(gpu, mma, a, b, c);
    for (int i = 0; i < mma.m(); i++) {
      for (int j = 0; j < N; j++) {
        double expected = c[i][j];
        for (int k = 0; k < mma.k(); k++) {
          expected += a[i][k] * b[k][j];
        }
        assertEquals(expected + 0.0, actual[i][j] + 0.0, mma + " row " + i + " column " + j);
      }
    }
  }

  /** "Accumulation with at least half precision": the sum is beyond f16's range in every order. */
  @ParameterizedTest
  @MethodSource("floats")
  void halfAccumulatorsOverflowToInfinityAndWideOnesDoNot(Mma mma, VirtualGpu gpu) {
    double[][] a = filled(mma.m(), mma.k(), 256);
    double[][] b = filled(mma.k(), N, 256);
    double[][] actual = run(gpu, mma, a, b, filled(mma.m(), N, -256));
    double expected = mma.d().equals("f16") ? Double.POSITIVE_INFINITY : 65536.0 * mma.k() - 256;
    for (double[] row : actual) {
      for (double element : row) {
        assertEquals(expected, element, mma::toString);
      }
    }
  }

  /** "The precision of f64 is identical to that of fused multiply-add." */
  @ParameterizedTest
  @MethodSource("doubles")
  void doublesAreFused(Mma mma, VirtualGpu gpu) {
    double[][] a = filled(mma.m(), mma.k(), 0);
    double[][] b = filled(mma.k(), N, 0);
    double x = 1 + Math.ulp(1.0);
    for (double[] row : a) {
      row[0] = x;
    }
    b[0] = filled(1, N, x)[0];
    double[][] actual = run(gpu, mma, a, b, filled(mma.m(), N, -1));
    assertEquals(Math.fma(x, x, -1), actual[7][7], mma::toString);
  }

  static List<Mma> doubles() {
    return floats().stream().filter(m -> m.d().equals("f64")).toList();
  }

  /** Full-range operands, and accumulators at both ends: wrapped, or limited with .satfinite. */
  @ParameterizedTest
  @MethodSource("integers")
  void integersAddUpAndWrapOrSaturate(Mma mma, VirtualGpu gpu) {
    Random random = new Random(mma.toString().hashCode());
    long[][] a = integers(random, mma.m(), mma.k(), mma.a());
    long[][] b = integers(random, mma.k(), N, mma.b());
    long[][] c = new long[mma.m()][N];
    for (int i = 0; i < mma.m(); i++) {
      for (int j = 0; j < N; j++) {
        int kind = (i + j) % 4;
        c[i][j] =
            kind == 0
                ? Integer.MAX_VALUE
                : kind == 1 ? Integer.MIN_VALUE : kind == 2 ? random.nextInt() : -1;
      }
    }
    // Every product as large as it gets, of either sign.
    for (int k = 0; k < mma.k(); k++) {
      a[0][k] = least(mma.a());
      b[k][0] = least(mma.b());
      a[1][k] = greatest(mma.a());
      b[k][1] = greatest(mma.b());
    }
    long[][] actual = runBits(gpu, mma, a, b, c);
    boolean limited = false;
    for (int i = 0; i < mma.m(); i++) {
      for (int j = 0; j < N; j++) {
        long sum = c[i][j];
        for (int k = 0; k < mma.k(); k++) {
          sum +=
              switch (mma.operation()) {
                case ".xor.popc" -> a[i][k] ^ b[k][j];
                case ".and.popc" -> a[i][k] & b[k][j];
                default -> a[i][k] * b[k][j];
              };
        }
        int expected =
            mma.satfinite()
                ? (int) Math.max(Integer.MIN_VALUE, Math.min(Integer.MAX_VALUE, sum))
                : (int) sum;
        limited |= sum != (int) sum;
        assertEquals(expected, (int) actual[i][j], mma + " row " + i + " column " + j);
      }
    }
    assertTrue(limited, "the case is one that overflows");
  }

  private static double[][] run(VirtualGpu gpu, Mma mma, double[][] a, double[][] b, double[][] c) {
    long[][] d = runBits(gpu, mma, encode(mma.a(), a), encode(mma.b(), b), encode(mma.d(), c));
    FloatFormat format = format(mma.d());
    double[][] values = new double[mma.m()][N];
    for (int i = 0; i < mma.m(); i++) {
      for (int j = 0; j < N; j++) {
        values[i][j] =
            Double.longBitsToDouble(FloatFormat.F64.convertFrom(format, d[i][j], Rounding.RN));
      }
    }
    return values;
  }

  private static long[][] runBits(VirtualGpu gpu, Mma mma, long[][] a, long[][] b, long[][] c) {
    List<MmaFragment> fragments = List.of(mma.fragmentA(), mma.fragmentB(), mma.fragmentC());
    List<long[][]> matrices = List.of(a, b, c);
    List<long[]> inputs = new ArrayList<>();
    for (int f = 0; f < fragments.size(); f++) {
      for (int r = 0; r < fragments.get(f).registers(); r++) {
        long[] register = new long[WarpBench.LANES];
        for (int lane = 0; lane < WarpBench.LANES; lane++) {
          register[lane] = fragments.get(f).register(lane, r, matrices.get(f));
        }
        inputs.add(register);
      }
    }
    long[][] outputs = new WarpBench(gpu).run(mma.code(), inputs.toArray(long[][]::new));
    long[][] d = new long[mma.m()][N];
    for (int r = 0; r < outputs.length; r++) {
      for (int lane = 0; lane < WarpBench.LANES; lane++) {
        mma.fragmentC().scatter(lane, r, outputs[r][lane], d);
      }
    }
    return d;
  }

  /** Elements as their register holds them: a tf32 in the upper bits of an f32. */
  private static long[][] encode(String type, double[][] matrix) {
    FloatFormat format = format(type);
    int shift = format == FloatFormat.TF32 ? 13 : 0;
    long[][] bits = new long[matrix.length][matrix[0].length];
    for (int i = 0; i < bits.length; i++) {
      for (int j = 0; j < bits[i].length; j++) {
        long value = Double.doubleToLongBits(matrix[i][j]);
        bits[i][j] = format.convertFrom(FloatFormat.F64, value, Rounding.RN) << shift;
      }
    }
    return bits;
  }

  private static FloatFormat format(String type) {
    return FloatFormat.valueOf(type.toUpperCase(java.util.Locale.ROOT));
  }

  private static int bits(String type) {
    return switch (type) {
      case "f16", "bf16" -> 16;
      case "f64" -> 64;
      case "s8", "u8" -> 8;
      case "s4", "u4" -> 4;
      case "b1" -> 1;
      default -> 32;
    };
  }

  private static long least(String type) {
    return type.startsWith("s") ? -(1L << (bits(type) - 1)) : 0;
  }

  private static long greatest(String type) {
    return (1L << (type.startsWith("s") ? bits(type) - 1 : bits(type))) - 1;
  }

  private static long[][] integers(Random random, int rows, int columns, String type) {
    long[][] values = new long[rows][columns];
    for (long[] row : values) {
      for (int j = 0; j < columns; j++) {
        row[j] = random.nextLong(least(type), greatest(type) + 1);
      }
    }
    return values;
  }

  private static double[][] random(Random random, int rows, int columns, double unit) {
    double[][] values = new double[rows][columns];
    for (double[] row : values) {
      for (int j = 0; j < columns; j++) {
        row[j] = (random.nextInt(9) - 4) * unit;
      }
    }
    return values;
  }

  private static double[][] filled(int rows, int columns, double value) {
    double[][] values = new double[rows][columns];
    for (double[] row : values) {
      java.util.Arrays.fill(row, value);
    }
    return values;
  }
}
