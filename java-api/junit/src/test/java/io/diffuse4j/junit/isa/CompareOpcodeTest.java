package io.diffuse4j.junit.isa;

import static io.diffuse4j.junit.isa.OpcodeRow.exact;
import static io.diffuse4j.junit.isa.PtxType.BF16;
import static io.diffuse4j.junit.isa.PtxType.BF16X2;
import static io.diffuse4j.junit.isa.PtxType.F16;
import static io.diffuse4j.junit.isa.PtxType.F16X2;
import static io.diffuse4j.junit.isa.PtxType.F32;
import static io.diffuse4j.junit.isa.PtxType.F64;
import static io.diffuse4j.junit.isa.PtxType.S16;
import static io.diffuse4j.junit.isa.PtxType.S32;
import static io.diffuse4j.junit.isa.PtxType.S64;
import static io.diffuse4j.junit.isa.PtxType.U16;
import static io.diffuse4j.junit.isa.PtxType.U32;
import static io.diffuse4j.junit.isa.PtxType.U64;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * PTX ISA, "Comparison and Selection" and "Half Precision Comparison": setp and set in all forms.
 */
class CompareOpcodeTest extends OpcodeRowTest {
  private static final List<String> SIGNED = List.of("eq", "ne", "lt", "le", "gt", "ge");
  private static final List<String> UNSIGNED = List.of("lo", "ls", "hi", "hs");
  private static final List<String> UNORDERED = List.of("equ", "neu", "ltu", "leu", "gtu", "geu");
  private static final List<String> COMBINATIONS = List.of("", ".and", ".or", ".xor");

  /** A type to compare, as it is written, and whether subnormals are flushed. */
  private record Operand(PtxType type, String name, boolean ftz) {
    List<String> comparisons() {
      if (type.format != null) {
        return Stream.of(SIGNED, UNORDERED, List.of("num", "nan")).flatMap(List::stream).toList();
      }
      if (name.startsWith("b")) {
        return SIGNED.subList(0, 2);
      }
      return name.startsWith("u")
          ? Stream.concat(SIGNED.stream(), UNSIGNED.stream()).toList()
          : SIGNED;
    }

    /** Of one number, or of half a pair. */
    boolean holds(String comparison, long a, long b) {
      FloatFormat f = type.format;
      if (f == null) {
        return ordered(comparison, type.integer(a).compareTo(type.integer(b)));
      }
      if (f.isNan(a) || f.isNan(b)) {
        return comparison.equals("nan") || comparison.endsWith("u");
      }
      if (comparison.equals("num") || comparison.equals("nan")) {
        return comparison.equals("num");
      }
      int order = ftz ? f.compare(f.flush(a), f.flush(b)) : f.compare(a, b);
      return ordered(comparison, order);
    }

    private static boolean ordered(String comparison, int order) {
      return switch (comparison) {
        case "eq", "equ" -> order == 0;
        case "ne", "neu" -> order != 0;
        case "lt", "ltu", "lo" -> order < 0;
        case "le", "leu", "ls" -> order <= 0;
        case "gt", "gtu", "hi" -> order > 0;
        default -> order >= 0;
      };
    }
  }

  private static List<Operand> operands() {
    List<Operand> list = new ArrayList<>();
    for (PtxType t : List.of(U16, U32, U64)) {
      list.add(new Operand(t, "b" + t.bits, false));
    }
    for (PtxType t : List.of(U16, U32, U64, S16, S32, S64, F64, F32, F16, F16X2, BF16, BF16X2)) {
      list.add(new Operand(t, t.modifier(), false));
    }
    for (PtxType t : List.of(F32, F16, F16X2)) {
      list.add(new Operand(t, t.modifier(), true));
    }
    return list;
  }

  /** "p = BoolOp(t, c); q = BoolOp(!t, c)"; of pairs, p is the lower comparison and q the upper. */
  @OpcodeRows
  static List<OpcodeRow> setpWritesTheComparisonAndItsComplement() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (Operand o : operands()) {
      for (String comparison : o.comparisons()) {
        for (String combination : COMBINATIONS) {
          boolean inverted = rows.size() % 2 == 1;
          String text =
              CONDITION
                  + ("setp." + comparison + combination + (o.ftz() ? ".ftz." : ".") + o.name())
                  + " %p|%q, %a, %b"
                  + third(combination, inverted)
                  + "; selp.b32 %d, 1, 0, %p; selp.b32 %t, 2, 0, %q; or.b32 %d, %d, %t";
          rows.add(
              exact(
                  text,
                  U32,
                  List.of(o.type(), o.type(), U32),
                  x -> {
                    boolean condition = (x[2] & 1) == 1 != inverted;
                    boolean low;
                    boolean high;
                    if (o.type().packed()) {
                      low = o.holds(comparison, x[0] & 0xffff, x[1] & 0xffff);
                      high = o.holds(comparison, x[0] >>> 16, x[1] >>> 16);
                    } else {
                      low = o.holds(comparison, x[0], x[1]);
                      high = !low;
                    }
                    return (combine(combination, low, condition) ? 1 : 0)
                        | (combine(combination, high, condition) ? 2 : 0);
                  }));
        }
      }
    }
    return rows;
  }

  /** "All bits set, or 1.0 in the destination's format", half by half of a pair. */
  @OpcodeRows
  static List<OpcodeRow> setWritesOnesOrOne() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (Operand o : operands()) {
      for (PtxType result : results(o.type())) {
        for (String comparison : o.comparisons()) {
          for (String combination : COMBINATIONS) {
            boolean inverted = rows.size() % 2 == 1;
            String text =
                CONDITION
                    + ("set." + comparison + combination + (o.ftz() ? ".ftz." : "."))
                    + (result.modifier() + "." + o.name() + " %d, %a, %b")
                    + third(combination, inverted);
            rows.add(
                exact(
                    text,
                    result,
                    List.of(o.type(), o.type(), U32),
                    x -> {
                      boolean condition = (x[2] & 1) == 1 != inverted;
                      if (!o.type().packed()) {
                        boolean t = o.holds(comparison, x[0], x[1]);
                        return combine(combination, t, condition) ? truth(result) : 0;
                      }
                      boolean low = o.holds(comparison, x[0] & 0xffff, x[1] & 0xffff);
                      boolean high = o.holds(comparison, x[0] >>> 16, x[1] >>> 16);
                      return (combine(combination, low, condition) ? truth(result) & 0xffff : 0)
                          | (combine(combination, high, condition) ? truth(result) << 16 : 0);
                    }));
          }
        }
      }
    }
    return rows;
  }

  private static final String CONDITION = "and.b32 %t, %c, 1; setp.ne.b32 %r, %t, 0; ";

  private static String third(String combination, boolean inverted) {
    return combination.isEmpty() ? "" : inverted ? ", !%r" : ", %r";
  }

  private static List<PtxType> results(PtxType operand) {
    return switch (operand) {
      case F16 -> List.of(U16, S16, U32, S32, F16, BF16);
      case BF16 -> List.of(U16, S16, U32, S32);
      case F16X2 -> List.of(U32, S32, F16X2);
      case BF16X2 -> List.of(U32, S32, BF16X2);
      default -> List.of(U32, S32, F32, F16, BF16);
    };
  }

  private static long truth(PtxType result) {
    return result.format == null ? -1 : result.format.one();
  }

  private static boolean combine(String combination, boolean a, boolean b) {
    return switch (combination) {
      case ".and" -> a && b;
      case ".or" -> a || b;
      case ".xor" -> a != b;
      default -> a;
    };
  }
}
