package io.diffuse4j.junit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.function.IntFunction;
import java.util.function.IntToDoubleFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Kernels of Apache SystemML, compiled by another compiler of another year, against plain Java.
 * Races are not looked for: their reductions rely on the lock step of old warps.
 */
@ExtendWith(VirtualGpuExtension.class)
@VirtualGpuSettings("check=memory")
class SystemMlTest {
  private static final int KERNELS = 116;
  private static final int AT_LEAST = 60;
  private static final int ROWS = 7;
  private static final int COLUMNS = 37;
  private static final int SIZE = ROWS * COLUMNS;
  private static final int BLOCK = 64;
  private static final int PQ = 5;
  private static final double SCALAR = 1.75;

  /** A few units in the last place: the kernels' own polynomials, not correctly rounded. */
  private static final double DOUBLE_TOLERANCE = 1e-14;

  /** Eight units in the last place of f32: sinh and tan of CUDA's math library come to 4. */
  private static final double FLOAT_TOLERANCE = 8 * 0x1p-23;

  /** A kernel's launch for one element type. */
  private interface Case {
    double[] run(Element element, Kernel kernel);
  }

  private static final class Check {
    private final Case launch;
    private final double[] expected;

    Check(Case launch, double[] expected) {
      this.launch = launch;
      this.expected = expected;
    }
  }

  @Test
  void everyKernelDecodes(VirtualGpu gpu) {
    String ptx = text();
    KernelModule module = gpu.load(ptx);
    TreeSet<String> names = new TreeSet<>();
    Matcher entries = Pattern.compile("\\.entry (\\w+)\\(").matcher(ptx);
    while (entries.find()) {
      names.add(entries.group(1));
      module.kernel(entries.group(1));
    }
    assertEquals(KERNELS, names.size());
  }

  @Test
  void kernelsGiveWhatPlainJavaGives(VirtualGpu gpu) {
    KernelModule module = gpu.load(text());
    Map<String, Check> checks = new LinkedHashMap<>();
    addUnary(checks);
    addElementwise(checks);
    addReductions(checks);
    addLayouts(checks);

    List<String> failures = new ArrayList<>();
    TreeSet<String> right = new TreeSet<>();
    for (Map.Entry<String, Check> check : checks.entrySet()) {
      for (boolean single : List.of(false, true)) {
        String name = check.getKey().replaceFirst(".*:", "") + (single ? "_f" : "_d");
        Element element = new Element(gpu, single);
        double[] actual = check.getValue().launch.run(element, module.kernel(name));
        String difference = difference(check.getValue().expected, actual, single);
        if (difference.isEmpty()) {
          right.add(name);
        } else {
          failures.add(check.getKey() + " of " + name + difference);
        }
      }
    }
    assertTrue(failures.isEmpty(), () -> String.join("\n", failures));
    assertTrue(right.size() >= AT_LEAST, () -> "only " + right.size() + " kernels are compared");
  }

  @Test
  void precisionsConvert(VirtualGpu gpu) {
    KernelModule module = gpu.load(text());
    double[] values = values(SIZE, i -> (i - 100) * 0.1);
    DeviceArray doubles = gpu.doubles(values);
    DeviceArray floats = gpu.floats(new float[SIZE]);
    module
        .kernel("double2float_f")
        .launch(LaunchShape.covering(SIZE, BLOCK), doubles, floats, SIZE);
    DeviceArray back = gpu.doubles(new double[SIZE]);
    module.kernel("float2double_f").launch(LaunchShape.covering(SIZE, BLOCK), floats, back, SIZE);
    double[] widened = back.toDoubles();
    for (int i = 0; i < SIZE; i++) {
      assertEquals((float) values[i], widened[i]);
    }
  }

  private static void addUnary(Map<String, Check> checks) {
    IntFunction<Double> around = i -> (i - SIZE / 2) / 64.0;
    IntFunction<Double> positive = i -> (i + 1) / 16.0;
    IntFunction<Double> unit = i -> (i - SIZE / 2) / 256.0;
    unary(checks, "exp", around, Math::exp);
    unary(checks, "sqrt", positive, Math::sqrt);
    unary(checks, "abs", around, Math::abs);
    unary(checks, "log", positive, Math::log);
    unary(checks, "floor", around, Math::floor);
    unary(checks, "ceil", around, Math::ceil);
    unary(checks, "sin", around, Math::sin);
    unary(checks, "sinh", around, Math::sinh);
    unary(checks, "cos", unit, Math::cos);
    unary(checks, "cosh", around, Math::cosh);
    unary(checks, "tan", unit, Math::tan);
    unary(checks, "tanh", around, Math::tanh);
    unary(checks, "asin", unit, Math::asin);
    unary(checks, "acos", unit, Math::acos);
    unary(checks, "atan", around, Math::atan);
    unary(checks, "sign", around, Math::signum);
    unary(checks, "sigmoid", around, x -> 0.5 * Math.tanh(0.5 * x) + 0.5);
    // Halves go away from zero.
    unary(checks, "round", around, x -> Math.signum(x) * Math.floor(Math.abs(x) + 0.5));
  }

  private static void unary(
      Map<String, Check> checks, String name, IntFunction<Double> input, DoubleUnaryOperator op) {
    double[] in = values(SIZE, input::apply);
    checks.put(
        "matrix_" + name,
        new Check(
            (e, k) -> {
              DeviceArray out = e.array(new double[SIZE]);
              k.launch(LaunchShape.covering(SIZE, BLOCK), e.array(in), out, SIZE);
              return e.values(out);
            },
            values(SIZE, i -> op.applyAsDouble(in[i]))));
  }

  private static void addElementwise(Map<String, Check> checks) {
    double[] a = values(SIZE, i -> (i * 7 % 41 - 20) / 8.0);
    double[] b = values(SIZE, i -> (i * 11 % 37 - 18.5) / 4.0);
    double[] bias = values(COLUMNS / PQ + 1, i -> i - 2.5);
    LaunchShape shape = LaunchShape.covering(SIZE, BLOCK);
    checks.put(
        "relu",
        new Check(
            (e, k) -> {
              DeviceArray out = e.array(new double[SIZE]);
              k.launch(shape, e.array(a), out, ROWS, COLUMNS);
              return e.values(out);
            },
            values(SIZE, i -> Math.max(0, a[i]))));
    checks.put(
        "relu_backward",
        new Check(
            (e, k) -> {
              DeviceArray out = e.array(new double[SIZE]);
              k.launch(shape, e.array(a), e.array(b), out, ROWS, COLUMNS);
              return e.values(out);
            },
            values(SIZE, i -> a[i] > 0 ? b[i] : 0)));
    checks.put(
        "inplace_add",
        new Check(
            (e, k) -> {
              DeviceArray out = e.array(b);
              k.launch(shape, e.array(a), out, ROWS, COLUMNS);
              return e.values(out);
            },
            values(SIZE, i -> a[i] + b[i])));
    for (String name : List.of("bias_add", "bias_multiply")) {
      DoubleBinaryOperator op = name.equals("bias_add") ? Double::sum : (x, y) -> x * y;
      checks.put(
          name,
          new Check(
              (e, k) -> {
                DeviceArray out = e.array(new double[SIZE]);
                k.launch(shape, e.array(a), e.array(bias), out, ROWS, COLUMNS, PQ);
                return e.values(out);
              },
              values(SIZE, i -> op.applyAsDouble(a[i], bias[i % COLUMNS / PQ]))));
    }
    checks.put(
        "fill",
        new Check(
            (e, k) -> {
              DeviceArray out = e.array(a);
              k.launch(shape, out, SCALAR, SIZE);
              return e.values(out);
            },
            values(SIZE, i -> SCALAR)));
    List<DoubleBinaryOperator> operations =
        List.of(Double::sum, (x, y) -> x - y, (x, y) -> x * y, (x, y) -> x / y);
    for (int op = 0; op < operations.size(); op++) {
      int code = op;
      DoubleBinaryOperator java = operations.get(op);
      checks.put(
          op + ":matrix_scalar_op",
          new Check(
              (e, k) -> {
                DeviceArray out = e.array(new double[SIZE]);
                k.launch(shape, e.array(a), SCALAR, out, SIZE, code, 0);
                return e.values(out);
              },
              values(SIZE, i -> java.applyAsDouble(a[i], SCALAR))));
      checks.put(
          op + ":matrix_matrix_cellwise_op",
          new Check(
              (e, k) -> {
                DeviceArray out = e.array(new double[SIZE]);
                k.launch(shape, e.array(a), e.array(b), out, ROWS, COLUMNS, 0, 0, code);
                return e.values(out);
              },
              values(SIZE, i -> java.applyAsDouble(a[i], b[i]))));
    }
  }

  private static void addReductions(Map<String, Check> checks) {
    // Eighths: every sum is exact in both precisions, so its order does not matter.
    double[] a = values(SIZE, i -> (i * 29 % 83 - 41) / 8.0);
    Map<String, DoubleBinaryOperator> operations =
        Map.of("sum", Double::sum, "max", Math::max, "min", Math::min);
    operations.forEach(
        (name, op) -> {
          double[] rows = new double[ROWS];
          double[] columns = new double[COLUMNS];
          for (int r = 0; r < ROWS; r++) {
            rows[r] = a[r * COLUMNS];
          }
          System.arraycopy(a, 0, columns, 0, COLUMNS);
          double all = a[0];
          for (int i = 1; i < SIZE; i++) {
            int row = i / COLUMNS;
            int column = i % COLUMNS;
            all = op.applyAsDouble(all, a[i]);
            rows[row] = column == 0 ? rows[row] : op.applyAsDouble(rows[row], a[i]);
            columns[column] = row == 0 ? columns[column] : op.applyAsDouble(columns[column], a[i]);
          }
          checks.put("reduce_row_" + name, new Check(perRow(a), rows));
          checks.put("reduce_col_" + name, new Check(perColumn(a), columns));
          checks.put("reduce_" + name, new Check(whole(a), new double[] {all}));
          if (name.equals("sum")) {
            checks.put(
                "reduce_row_mean", new Check(perRow(a), values(ROWS, i -> rows[i] / COLUMNS)));
            checks.put(
                "reduce_col_mean",
                new Check(perColumn(a), values(COLUMNS, i -> columns[i] / ROWS)));
          }
        });
  }

  private static Case perRow(double[] a) {
    return (e, k) -> {
      DeviceArray out = e.array(new double[ROWS]);
      LaunchShape shape = LaunchShape.of(ROWS, BLOCK).withShared(BLOCK * e.bytes());
      k.launch(shape, e.array(a), out, ROWS, COLUMNS);
      return e.values(out);
    };
  }

  private static Case perColumn(double[] a) {
    return (e, k) -> {
      DeviceArray out = e.array(new double[COLUMNS]);
      k.launch(LaunchShape.covering(COLUMNS, BLOCK), e.array(a), out, ROWS, COLUMNS);
      return e.values(out);
    };
  }

  private static Case whole(double[] a) {
    return (e, k) -> {
      DeviceArray out = e.array(new double[1]);
      k.launch(LaunchShape.of(1, BLOCK).withShared(BLOCK * e.bytes()), e.array(a), out, SIZE);
      return e.values(out);
    };
  }

  private static void addLayouts(Map<String, Check> checks) {
    double[] a = values(SIZE, i -> i);
    double[] b = values(SIZE, i -> -i - 1);
    for (boolean columns : List.of(true, false)) {
      double[] bound = new double[2 * SIZE];
      for (int i = 0; i < SIZE; i++) {
        int at = columns ? i / COLUMNS * 2 * COLUMNS + i % COLUMNS : i;
        bound[at] = a[i];
        bound[at + (columns ? COLUMNS : SIZE)] = b[i];
      }
      checks.put(
          columns ? "cbind" : "rbind",
          new Check(
              (e, k) -> {
                DeviceArray out = e.array(new double[2 * SIZE]);
                k.launch(
                    LaunchShape.covering(SIZE, BLOCK),
                    e.array(a),
                    e.array(b),
                    out,
                    ROWS,
                    COLUMNS,
                    ROWS,
                    COLUMNS);
                return e.values(out);
              },
              bound));
    }
    int side = 9;
    double[] square = values(side * side, i -> i + 0.5);
    checks.put(
        "copy_u2l_dense",
        new Check(
            (e, k) -> {
              DeviceArray inOut = e.array(square);
              k.launch(LaunchShape.covering(side * side, BLOCK), inOut, side, side * side);
              return e.values(inOut);
            },
            values(
                side * side,
                i -> i % side < i / side ? square[i % side * side + i / side] : square[i])));
  }

  /** The element type of a kernel: SystemML has each in f64 and f32. */
  private record Element(VirtualGpu gpu, boolean single) {
    int bytes() {
      return single ? Float.BYTES : Double.BYTES;
    }

    DeviceArray array(double[] values) {
      if (!single) {
        return gpu.doubles(values);
      }
      float[] floats = new float[values.length];
      for (int i = 0; i < floats.length; i++) {
        floats[i] = (float) values[i];
      }
      return gpu.floats(floats);
    }

    double[] values(DeviceArray array) {
      if (!single) {
        return array.toDoubles();
      }
      float[] floats = array.toFloats();
      return SystemMlTest.values(floats.length, i -> floats[i]);
    }
  }

  private static double[] values(int count, IntToDoubleFunction value) {
    double[] values = new double[count];
    Arrays.setAll(values, value);
    return values;
  }

  private static String difference(double[] expected, double[] actual, boolean single) {
    double tolerance = single ? FLOAT_TOLERANCE : DOUBLE_TOLERANCE;
    for (int i = 0; i < expected.length; i++) {
      // Relative, and absolute below 1: tan, sinh and the like cancel near their zeros.
      double allowed = tolerance * Math.max(1, Math.abs(expected[i]));
      if (!(Math.abs(expected[i] - actual[i]) <= allowed)) {
        return "[" + i + "] = " + actual[i] + ", not " + expected[i];
      }
    }
    return "";
  }

  private static String text() {
    try (InputStream in = ClassLoader.getSystemResourceAsStream("kernels/SystemML.ptx")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
