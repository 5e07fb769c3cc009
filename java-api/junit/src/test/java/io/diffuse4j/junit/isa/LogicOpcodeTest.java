package io.diffuse4j.junit.isa;

import static io.diffuse4j.junit.isa.OpcodeRow.exact;
import static io.diffuse4j.junit.isa.PtxType.F32;
import static io.diffuse4j.junit.isa.PtxType.F64;
import static io.diffuse4j.junit.isa.PtxType.S16;
import static io.diffuse4j.junit.isa.PtxType.S32;
import static io.diffuse4j.junit.isa.PtxType.S64;
import static io.diffuse4j.junit.isa.PtxType.U16;
import static io.diffuse4j.junit.isa.PtxType.U32;
import static io.diffuse4j.junit.isa.PtxType.U64;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** PTX ISA, "Logic and Shift" and "Comparison and Select" instructions, and the bit fields. */
class LogicOpcodeTest extends OpcodeRowTest {
  private static final List<PtxType> UNSIGNED = List.of(U16, U32, U64);

  @OpcodeRows
  static List<OpcodeRow> logicWorksOnEveryBit() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : UNSIGNED) {
      String b = ".b" + t.bits;
      rows.add(exact("and" + b + " %d, %a, %b", t, of(t, 2), x -> x[0] & x[1]));
      rows.add(exact("or" + b + " %d, %a, %b", t, of(t, 2), x -> x[0] | x[1]));
      rows.add(exact("xor" + b + " %d, %a, %b", t, of(t, 2), x -> x[0] ^ x[1]));
      rows.add(exact("not" + b + " %d, %a", t, of(t, 1), x -> ~x[0]));
      rows.add(exact("cnot" + b + " %d, %a", t, of(t, 1), x -> x[0] == 0 ? 1 : 0));
    }
    for (String op : List.of("and", "or", "xor", "not")) {
      String operands = op.equals("not") ? " %r, %p; " : " %r, %p, !%q; ";
      rows.add(
          exact(
              "setp.lt.s32 %p, %a, 9; setp.lt.s32 %q, %b, 9; "
                  + (op + ".pred" + operands)
                  + "selp.b32 %d, 1, 0, %r",
              U32,
              of(S32, 2),
              x -> {
                boolean a = (int) x[0] < 9;
                boolean b = (int) x[1] >= 9;
                boolean result =
                    switch (op) {
                      case "and" -> a && b;
                      case "or" -> a || b;
                      case "xor" -> a != b;
                      default -> !a;
                    };
                return result ? 1 : 0;
              }));
    }
    return rows;
  }

  @OpcodeRows
  static List<OpcodeRow> lop3LooksEveryBitUpInItsTable() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (int table = 0; table < 256; table++) {
      int lookup = table;
      rows.add(
          exact(
              "lop3.b32 %d, %a, %b, %c, " + table,
              U32,
              of(U32, 3),
              x -> lookUp(lookup, x[0], x[1], x[2])));
    }
    return rows;
  }

  /** "Shift amounts greater than the register width N are clamped to N." */
  @OpcodeRows
  static List<OpcodeRow> shiftsClampTheirCount() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : UNSIGNED) {
      rows.add(
          exact(
              "shl.b" + t.bits + " %d, %a, %b",
              t,
              List.of(t, U32),
              x -> x[1] >= t.bits ? 0 : x[0] << x[1]));
    }
    for (PtxType t : UNSIGNED) {
      rows.add(
          exact(
              "shr.b" + t.bits + " %d, %a, %b",
              t,
              List.of(t, U32),
              x -> x[1] >= t.bits ? 0 : x[0] >>> x[1]));
    }
    for (PtxType t : List.of(U16, S16, U32, S32, U64, S64)) {
      rows.add(
          exact(
              "shr." + t.modifier() + " %d, %a, %b",
              t,
              List.of(t, U32),
              x -> t.integer(x[0]).shiftRight((int) Math.min(x[1], t.bits)).longValue()));
    }
    return rows;
  }

  @OpcodeRows
  static List<OpcodeRow> funnelShiftsTakeOneWordOfTwo() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (boolean wrap : List.of(false, true)) {
      String mode = wrap ? "wrap" : "clamp";
      rows.add(
          exact(
              "shf.l." + mode + ".b32 %d, %a, %b, %c",
              U32,
              of(U32, 3),
              x -> both(x) << count(x[2], wrap) >>> Integer.SIZE));
      rows.add(
          exact(
              "shf.r." + mode + ".b32 %d, %a, %b, %c",
              U32,
              of(U32, 3),
              x -> both(x) >>> count(x[2], wrap)));
    }
    return rows;
  }

  @OpcodeRows
  static List<OpcodeRow> countsFindAndReverseBits() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : List.of(U32, U64)) {
      int n = t.bits;
      String b = ".b" + n + " %d, %a";
      rows.add(exact("popc" + b, U32, of(t, 1), x -> Long.bitCount(x[0])));
      rows.add(exact("clz" + b, U32, of(t, 1), x -> Long.numberOfLeadingZeros(x[0]) - (64 - n)));
      rows.add(exact("brev" + b, t, of(t, 1), x -> Long.reverse(x[0]) >>> (64 - n)));
    }
    for (PtxType t : List.of(U32, S32, U64, S64)) {
      rows.add(exact("bfind." + t.modifier() + " %d, %a", U32, of(t, 1), x -> find(t, x[0])));
      rows.add(
          exact(
              "bfind.shiftamt." + t.modifier() + " %d, %a",
              U32,
              of(t, 1),
              x -> find(t, x[0]) < 0 ? -1 : t.bits - 1 - find(t, x[0])));
    }
    return rows;
  }

  @OpcodeRows
  static List<OpcodeRow> bitFieldsAreExtractedAndInserted() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : List.of(U32, S32, U64, S64)) {
      rows.add(
          exact(
              "bfe." + t.modifier() + " %d, %a, %b, %c",
              t,
              List.of(t, U32, U32),
              x -> extract(t, x[0], (int) (x[1] & 0xff), (int) (x[2] & 0xff))));
    }
    for (PtxType t : List.of(U32, U64)) {
      for (int length : new int[] {0, 1, 5, 31, 32, 33, 64, 255}) {
        rows.add(
            exact(
                "bfi.b" + t.bits + " %d, %a, %b, %c, " + length,
                t,
                List.of(t, t, U32),
                x -> insert(t, x[0], x[1], (int) (x[2] & 0xff), length)));
      }
    }
    return rows;
  }

  /** As the ISA's pseudo code: N bits are kept, and with .s32 the highest of them is repeated. */
  @OpcodeRows
  static List<OpcodeRow> szextExtendsNBits() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (String mode : List.of("clamp", "wrap")) {
      for (PtxType t : List.of(U32, S32)) {
        rows.add(
            exact(
                "szext." + mode + "." + t.modifier() + " %d, %a, %b",
                t,
                List.of(t, U32),
                x -> {
                  if (mode.equals("clamp") && x[1] >= 32) {
                    return x[0];
                  }
                  int n = (int) (x[1] & 31);
                  int free = 64 - n;
                  return n == 0 ? 0 : t.signed ? x[0] << free >> free : x[0] << free >>> free;
                }));
      }
    }
    return rows;
  }

  /** A mask of b bits from bit a; what lies beyond the word is cut off. */
  @OpcodeRows
  static List<OpcodeRow> bmskMakesMasks() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (boolean wrap : List.of(false, true)) {
      rows.add(
          exact(
              "bmsk." + (wrap ? "wrap" : "clamp") + ".b32 %d, %a, %b",
              U32,
              of(U32, 2),
              x -> {
                long start = wrap ? x[0] & 31 : Math.min(x[0], 32);
                long width = wrap ? x[1] & 31 : Math.min(x[1], 32);
                return ((1L << width) - 1) << start;
              }));
    }
    return rows;
  }

  @OpcodeRows
  static List<OpcodeRow> prmtPicksBytesInEveryMode() {
    List<OpcodeRow> rows = new ArrayList<>();
    rows.add(exact("prmt.b32 %d, %a, %b, %c", U32, of(U32, 3), x -> permute(x, (int) x[2])));
    String[] modes = {"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"};
    int[][] selectors = {
      {0x3210, 0x4321, 0x5432, 0x6543},
      {0x5670, 0x6701, 0x7012, 0x0123},
      {0x0000, 0x1111, 0x2222, 0x3333},
      {0x3210, 0x3211, 0x3222, 0x3333},
      {0x0000, 0x1110, 0x2210, 0x3210},
      {0x1010, 0x3232, 0x1010, 0x3232}
    };
    for (int m = 0; m < modes.length; m++) {
      int[] selector = selectors[m];
      rows.add(
          exact(
              "prmt.b32." + modes[m] + " %d, %a, %b, %c",
              U32,
              of(U32, 3),
              x -> permute(x, selector[(int) (x[2] & 3)])));
    }
    return rows;
  }

  @OpcodeRows
  static List<OpcodeRow> fnsFindsTheNthSetBit() {
    return List.of(
        exact(
            "and.b32 %b, %b, 31; fns.b32 %d, %a, %b, %c",
            U32, List.of(U32, U32, S32), x -> nthSet((int) x[0], (int) (x[1] & 31), (int) x[2])));
  }

  @OpcodeRows
  static List<OpcodeRow> selectionsTakeEither() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : List.of(U16, S16, U32, S32, U64, S64, F32, F64)) {
      selections(t, t.modifier(), rows);
      if (!t.signed && t.format == null) {
        selections(t, "b" + t.bits, rows);
      }
    }
    return rows;
  }

  private static void selections(PtxType t, String type, List<OpcodeRow> rows) {
    for (boolean inverted : List.of(false, true)) {
      rows.add(
          exact(
              "setp.lt.s32 %p, %c, 3; selp."
                  + type
                  + (inverted ? " %d, %a, %b, !%p" : " %d, %a, %b, %p"),
              t,
              List.of(t, t, S32),
              x -> (int) x[2] < 3 != inverted ? x[0] : x[1]));
    }
    rows.add(
        exact(
            "slct." + type + ".s32 %d, %a, %b, %c",
            t,
            List.of(t, t, S32),
            x -> (int) x[2] >= 0 ? x[0] : x[1]));
    // "-0.0 is treated as zero, and for a NaN operand b is selected"; a flushed number is zero.
    for (boolean ftz : List.of(false, true)) {
      rows.add(
          exact(
              "slct" + (ftz ? ".ftz." : ".") + type + ".f32 %d, %a, %b, %c",
              t,
              List.of(t, t, F32),
              x -> {
                long c = ftz ? F32.format.flush(x[2]) : x[2];
                return !F32.format.isNan(c) && F32.format.compare(c, 0) >= 0 ? x[0] : x[1];
              }));
    }
  }

  private static List<PtxType> of(PtxType t, int count) {
    return Collections.nCopies(count, t);
  }

  private static long lookUp(int table, long a, long b, long c) {
    long result = 0;
    for (int i = 0; i < Integer.SIZE; i++) {
      long index = (a >>> i & 1) << 2 | (b >>> i & 1) << 1 | (c >>> i & 1);
      result |= (long) (table >>> index & 1) << i;
    }
    return result;
  }

  private static long both(long[] x) {
    return x[1] << Integer.SIZE | x[0];
  }

  private static int count(long c, boolean wrap) {
    return (int) (wrap ? c & 31 : Math.min(c, 32));
  }

  /** The highest bit that differs from the sign; -1 if there is none. */
  private static long find(PtxType t, long value) {
    java.math.BigInteger integer = t.integer(value);
    return (integer.signum() < 0 ? integer.not() : integer).bitLength() - 1L;
  }

  /** As the ISA's pseudo code: beyond the word, a signed field repeats its sign. */
  private static long extract(PtxType t, long a, int position, int length) {
    int top = t.bits - 1;
    long sign = (!t.signed || length == 0) ? 0 : a >>> Math.min(position + length - 1, top) & 1;
    long result = 0;
    for (int i = 0; i <= top; i++) {
      long bit = (i < length && position + i <= top) ? a >>> (position + i) & 1 : sign;
      result |= bit << i;
    }
    return result;
  }

  private static long insert(PtxType t, long a, long b, int position, int length) {
    long result = b;
    for (int i = 0; i < length && position + i < t.bits; i++) {
      result = (result & ~(1L << (position + i))) | (a >>> i & 1) << (position + i);
    }
    return result;
  }

  private static long permute(long[] x, int selector) {
    long bytes = x[1] << Integer.SIZE | x[0];
    long result = 0;
    for (int i = 0; i < Integer.BYTES; i++) {
      int pick = selector >>> (4 * i) & 0xf;
      long value = bytes >>> (8 * (pick & 7)) & 0xff;
      long extended = (value & 0x80) == 0 ? 0 : 0xff;
      result |= ((pick & 8) == 0 ? value : extended) << (8 * i);
    }
    return result;
  }

  private static long nthSet(int mask, int base, int offset) {
    if (offset == 0) {
      return (mask >>> base & 1) == 1 ? base : -1;
    }
    int step = offset > 0 ? 1 : -1;
    long left = Math.abs((long) offset);
    for (int position = base; position >= 0 && position < Integer.SIZE; position += step) {
      if ((mask >>> position & 1) == 1 && --left == 0) {
        return position;
      }
    }
    return -1;
  }
}
