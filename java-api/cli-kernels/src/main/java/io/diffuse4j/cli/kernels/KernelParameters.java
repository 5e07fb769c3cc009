package io.diffuse4j.cli.kernels;

import io.diffuse4j.cli.spi.KernelArgument;
import io.diffuse4j.cli.spi.KernelToolException;
import java.util.List;
import java.util.stream.Collectors;

/** Compares arguments with what a kernel takes. */
final class KernelParameters {
  private KernelParameters() {}

  /**
   * Checks number and sizes.
   *
   * @param sizes the parameters' bytes
   * @throws KernelToolException if an argument does not fit; the message says what would
   */
  static void check(String kernel, List<Integer> sizes, List<KernelArgument> arguments) {
    if (sizes.size() != arguments.size()) {
      String bytes = sizes.stream().map(String::valueOf).collect(Collectors.joining(", "));
      throw new KernelToolException(
          "kernel "
              + kernel
              + " has "
              + sizes.size()
              + " parameters"
              + (sizes.isEmpty() ? "" : " (of " + bytes + " bytes)")
              + ", but "
              + arguments.size()
              + " --arg are given",
          "");
    }
    for (int i = 0; i < sizes.size(); i++) {
      KernelArgument argument = arguments.get(i);
      int size = sizes.get(i);
      if (bytes(argument) != size) {
        throw new KernelToolException(
            "--arg "
                + argument.text()
                + " has "
                + bytes(argument)
                + " bytes, but parameter "
                + i
                + " of kernel "
                + kernel
                + " has "
                + size
                + fitting(size),
            "");
      }
    }
  }

  private static int bytes(KernelArgument argument) {
    if (!(argument instanceof KernelArgument.Scalar scalar)) {
      return Long.BYTES; // an address
    }
    Number value = scalar.value();
    if (value instanceof Byte) {
      return Byte.BYTES;
    }
    if (value instanceof Short) {
      return Short.BYTES;
    }
    return value instanceof Integer || value instanceof Float ? Integer.BYTES : Long.BYTES;
  }

  private static String fitting(int size) {
    return switch (size) {
      case Byte.BYTES -> "; give i8:";
      case Short.BYTES -> "; give i16:";
      case Integer.BYTES -> "; give i32: or f32:";
      case Long.BYTES -> "; give in:, out:, inout:, i64: or f64:";
      default -> "; parameters that are structs cannot be given here";
    };
  }
}
