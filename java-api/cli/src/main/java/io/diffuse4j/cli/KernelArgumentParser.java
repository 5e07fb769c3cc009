package io.diffuse4j.cli;

import io.diffuse4j.cli.spi.KernelArgument;
import io.diffuse4j.weights.HostTensor;
import io.diffuse4j.weights.TensorDType;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The values of {@code --arg}. Files are opened once, whatever the number of arguments. */
final class KernelArgumentParser {
  private static final String FORMS =
      "i8:, i16:, i32:, i64:, f32: or f64: and a number, in:FILE#TENSOR, inout:FILE#TENSOR or"
          + " out:DTYPE[SHAPE]";
  private static final Pattern OUTPUT = Pattern.compile("([a-zA-Z0-9_]+)\\[([0-9,]*)\\]");

  /** What a Java array can hold everywhere. */
  private static final int MAX_BYTES = Integer.MAX_VALUE - 8;

  private final Environment environment;
  private final Map<Path, TensorFile> files = new LinkedHashMap<>();

  KernelArgumentParser(Environment environment) {
    this.environment = environment;
  }

  /** Parses one value. */
  KernelArgument parse(String text) {
    int colon = text.indexOf(':');
    String kind = colon < 0 ? "" : text.substring(0, colon);
    String value = text.substring(colon + 1);
    return switch (kind) {
      case "i8", "i16", "i32", "i64" ->
          new KernelArgument.Scalar(
              text, integer(text, Integer.parseInt(kind.substring(1)), value));
      case "f32" -> new KernelArgument.Scalar(text, single(text, value));
      case "f64" -> new KernelArgument.Scalar(text, real(text, value));
      case "in" -> new KernelArgument.Input(text, tensor(text, value), false);
      case "inout" -> new KernelArgument.Input(text, tensor(text, value), true);
      case "out" -> output(text, value);
      default -> throw Arguments.wrong("--arg", text, FORMS);
    };
  }

  /** The bits are what counts: both the signed and the unsigned range are right. */
  private static Number integer(String text, int bits, String value) {
    BigInteger min = BigInteger.ONE.shiftLeft(bits - 1).negate();
    BigInteger max = BigInteger.ONE.shiftLeft(bits).subtract(BigInteger.ONE);
    BigInteger number;
    try {
      number = new BigInteger(value);
    } catch (NumberFormatException e) {
      throw outside(text, min, max);
    }
    if (number.compareTo(min) < 0 || number.compareTo(max) > 0) {
      throw outside(text, min, max);
    }
    return switch (bits) {
      case 8 -> number.byteValue();
      case 16 -> number.shortValue();
      case 32 -> number.intValue();
      default -> number.longValue();
    };
  }

  private static UsageException outside(String text, BigInteger min, BigInteger max) {
    return Arguments.wrong("--arg", text, "a whole number from " + min + " to " + max);
  }

  private static double real(String text, String value) {
    try {
      double number = Double.parseDouble(value);
      if (Double.isInfinite(number) && !value.endsWith("Infinity")) {
        throw Arguments.wrong("--arg", text, "a number that f64 can hold, or Infinity");
      }
      return number;
    } catch (NumberFormatException e) {
      throw Arguments.wrong("--arg", text, "a number, NaN or Infinity");
    }
  }

  private static float single(String text, String value) {
    real(text, value);
    float number = Float.parseFloat(value);
    if (Float.isInfinite(number) && !value.endsWith("Infinity")) {
      throw Arguments.wrong("--arg", text, "a number that f32 can hold, or Infinity");
    }
    return number;
  }

  private HostTensor tensor(String text, String value) {
    int hash = value.lastIndexOf('#');
    if (hash <= 0 || hash == value.length() - 1) {
      throw Arguments.wrong("--arg", text, "FILE.safetensors#TENSOR behind the colon");
    }
    Path path = environment.resolve(Path.of(value.substring(0, hash)));
    TensorFile file = files.computeIfAbsent(path, TensorFile::new);
    HostTensor tensor = file.tensor(value.substring(hash + 1));
    if (tensor.elementCount() == 0) {
      throw file.invalid(tensor.name(), "is empty; a kernel's argument needs an element");
    }
    return tensor;
  }

  private static KernelArgument output(String text, String value) {
    Matcher matcher = OUTPUT.matcher(value);
    if (!matcher.matches()) {
      throw Arguments.wrong("--arg", text, "a dtype and a shape such as out:f32[2,320]");
    }
    TensorDType dtype = dtype(text, matcher.group(1));
    String extents = matcher.group(2);
    List<Long> shape = extents.isEmpty() ? List.of() : shape(text, extents);
    long bytes = dtype.bits() / Byte.SIZE;
    for (long extent : shape) {
      // Every extent is below 2^31, so the product of two cannot overflow.
      bytes *= extent;
      if (bytes > MAX_BYTES) {
        throw Arguments.wrong("--arg", text, "of at most " + MAX_BYTES + " bytes");
      }
    }
    return new KernelArgument.Output(text, dtype, shape, (int) bytes);
  }

  private static List<Long> shape(String text, String extents) {
    return Arrays.stream(extents.split(",", -1))
        .map(
            extent -> {
              try {
                return Arguments.integer("", extent, 1, MAX_BYTES);
              } catch (UsageException e) {
                throw Arguments.wrong(
                    "--arg", text, "a shape of whole numbers from 1 to " + MAX_BYTES);
              }
            })
        .toList();
  }

  private static TensorDType dtype(String text, String name) {
    List<TensorDType> whole =
        Arrays.stream(TensorDType.values()).filter(d -> d.bits() % Byte.SIZE == 0).toList();
    return whole.stream()
        .filter(dtype -> dtype.name().equals(name.toUpperCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(
            () ->
                Arguments.wrong(
                    "--arg",
                    text,
                    "of a dtype of whole bytes: "
                        + whole.stream()
                            .map(dtype -> dtype.name().toLowerCase(Locale.ROOT))
                            .collect(Collectors.joining(", "))));
  }
}
