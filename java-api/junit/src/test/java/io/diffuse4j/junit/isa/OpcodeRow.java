package io.diffuse4j.junit.isa;

import java.util.List;

/**
 * One instruction and what the PTX ISA says of it.
 *
 * @param text PTX that computes {@code %d} from {@code %a}, {@code %b} and {@code %c}
 * @param result the type of {@code %d}
 * @param sources the types of the operands, one to three
 * @param reference the expected bits of {@code %d} from those of the operands
 * @param match when a result counts as the expected one
 */
record OpcodeRow(
    String text, PtxType result, List<PtxType> sources, Reference reference, Match match) {

  /** From operands to result, as bits. */
  interface Reference {
    long of(long[] operands);
  }

  /** Compares what the reference gives with the bits of the row's result type. */
  interface Match {
    boolean accepts(PtxType type, long[] operands, long expected, long actual);
  }

  /** Every bit. */
  static final Match BITS = (type, operands, expected, actual) -> type.truncate(expected) == actual;

  /** Every bit, but any NaN for a NaN: the ISA leaves its payload open. */
  static final Match ANY_NAN =
      (type, operands, expected, actual) -> {
        long bits = type.truncate(expected);
        if (type.packed()) {
          return sameOrNan(type.format, bits & 0xffff, actual & 0xffff)
              && sameOrNan(type.format, bits >>> 16, actual >>> 16);
        }
        return sameOrNan(type.format, bits, actual);
      };

  /** A row of integers: compared bit for bit. */
  static OpcodeRow exact(String text, PtxType result, List<PtxType> sources, Reference reference) {
    return new OpcodeRow(text, result, sources, reference, BITS);
  }

  /** A row of floating point numbers: compared bit for bit, but for the payload of a NaN. */
  static OpcodeRow floating(
      String text, PtxType result, List<PtxType> sources, Reference reference) {
    return new OpcodeRow(text, result, sources, reference, ANY_NAN);
  }

  private static boolean sameOrNan(FloatFormat format, long expected, long actual) {
    return expected == actual || (format.isNan(expected) && format.isNan(actual));
  }
}
