package io.diffuse4j.junit.isa;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.junit.DeviceArray;
import io.diffuse4j.junit.VirtualGpu;
import io.diffuse4j.junit.VirtualGpuExtension;
import io.diffuse4j.junit.isa.WarpBench.Code;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * PTX ISA, "atom" and "red": each thread has a word of its own, so that old value, new value and
 * everything beside the word can be compared. Contended words are in {@link WarpOpcodeTest}.
 */
@ExtendWith(VirtualGpuExtension.class)
class AtomicOpcodeTest {
  private static final int THREADS = 256;
  private static final long FILL = 0x6b6b6b6b6b6b6b6bL;

  /** New value in memory from the old one and the operands. */
  private interface Update {
    long of(long old, long b, long c);
  }

  /** Operation and type, such as {@code add.noftz.f16x2}. */
  record Operation(String name, PtxType type, String typeName, Update update) {
    @Override
    public String toString() {
      return name + "." + typeName;
    }

    boolean cas() {
      return name.equals("cas");
    }

    boolean reduces() {
      return !name.equals("cas") && !name.equals("exch");
    }
  }

  static List<Operation> operations() {
    List<Operation> list = new ArrayList<>();
    for (PtxType t : List.of(PtxType.U32, PtxType.U64)) {
      String b = "b" + t.bits;
      list.add(new Operation("and", t, b, (x, y, z) -> x & y));
      list.add(new Operation("or", t, b, (x, y, z) -> x | y));
      list.add(new Operation("xor", t, b, (x, y, z) -> x ^ y));
      list.add(new Operation("exch", t, b, (x, y, z) -> y));
      list.add(new Operation("cas", t, b, (x, y, z) -> x == y ? z : x));
    }
    list.add(new Operation("cas", PtxType.U16, "b16", (x, y, z) -> x == y ? z : x));
    for (PtxType t : List.of(PtxType.U32, PtxType.S32, PtxType.U64, PtxType.S64)) {
      String m = t.modifier();
      if (t != PtxType.S64) {
        list.add(new Operation("add", t, m, (x, y, z) -> x + y));
      }
      list.add(new Operation("min", t, m, (x, y, z) -> t.integer(x).min(t.integer(y)).longValue()));
      list.add(new Operation("max", t, m, (x, y, z) -> t.integer(x).max(t.integer(y)).longValue()));
    }
    PtxType word = PtxType.U32;
    list.add(new Operation("inc", word, "u32", (x, y, z) -> x >= y ? 0 : x + 1));
    list.add(new Operation("dec", word, "u32", (x, y, z) -> x == 0 || x > y ? y : x - 1));
    for (PtxType t : List.of(PtxType.F16, PtxType.F16X2, PtxType.BF16, PtxType.BF16X2)) {
      list.add(new Operation("add.noftz", t, t.modifier(), (x, y, z) -> sum(t, x, y)));
    }
    list.add(new Operation("add", PtxType.F32, "f32", (x, y, z) -> sum(PtxType.F32, x, y)));
    list.add(new Operation("add", PtxType.F64, "f64", (x, y, z) -> sum(PtxType.F64, x, y)));
    return list;
  }

  /** What may stand before the operation; the second element says whether memory is shared. */
  private static final String[][] SPACES = {
    {".global", "[%u]"}, {".shared", "[%x]"}, {".shared::cta", "[%x]"}, {"", "[%u]"}, {"", "[%v]"}
  };

  private static final List<String> ORDERS =
      List.of("", ".relaxed", ".acquire", ".release", ".acq_rel");
  private static final List<String> SCOPES = List.of("", ".cta", ".gpu", ".sys");

  private record Case(String opcode, String before, String address, Operation op, String after) {
    boolean shared() {
      return !address.equals("[%u]");
    }

    boolean atom() {
      return opcode.equals("atom");
    }

    String instruction() {
      String operands = address + ", %i1" + (op.cas() ? ", %i2" : "");
      return opcode
          + before
          + "."
          + op.name()
          + after
          + "."
          + op.typeName()
          + (atom() ? " %o0, " : " ")
          + operands
          + (after.isEmpty() ? "" : ", %w");
    }

    Code code() {
      String register = op.type().register();
      String memory = op.type().memory();
      String setup =
          "mad.wide.u32 %u, %thread, 8, %mem; mad.lo.u32 %x, %thread, 8, %tile;\n"
              + "mad.wide.u32 %v, %thread, 8, %shared; mov.b64 %w, 0;\n"
              + (shared() ? "st.shared.b64 [%x], " + FILL + ";\n" : "");
      String space = shared() ? ".shared." : ".global.";
      String word = shared() ? "[%x" : "[%u";
      // In 16-bit types the upper half is used, so that the lower one would show a wide access.
      int at = op.type().bits == 16 ? 2 : 0;
      String offset = at == 0 ? "" : "+2";
      String text =
          setup
              + ("st" + space + memory + " " + word + offset + "], %i0;\n")
              + instruction().replace("]", offset + "]")
              + (atom() ? ";\n" : "; mov.b" + op.type().bits + " %o0, %i0;\n")
              + ("ld" + space + "b64 %o1, " + word + "]");
      return new Code(
          THREADS, List.of(register, register, register), List.of(register, "b64"), text);
    }
  }

  private static List<Case> cases(Operation op) {
    List<Case> list = new ArrayList<>();
    for (String[] space : SPACES) {
      list.add(new Case("atom", space[0], space[1], op, ""));
      if (op.reduces()) {
        list.add(new Case("red", space[0], space[1], op, ""));
      }
    }
    for (String order : ORDERS) {
      for (String scope : SCOPES) {
        String before = order + scope;
        list.add(new Case("atom", before + ".global", "[%u]", op, ""));
        list.add(new Case("atom", before + ".shared", "[%x]", op, ""));
        boolean acquires = order.equals(".acquire") || order.equals(".acq_rel");
        if (op.reduces() && !acquires) {
          list.add(new Case("red", before + ".global", "[%u]", op, ""));
        }
      }
    }
    if (!op.cas()) {
      list.add(new Case("atom", ".global", "[%u]", op, ".L2::cache_hint"));
      if (op.reduces()) {
        list.add(new Case("red", ".global", "[%u]", op, ".L2::cache_hint"));
      }
    }
    return list;
  }

  static Stream<Form> forms() {
    return operations().stream().flatMap(o -> cases(o).stream()).flatMap(c -> c.code().forms());
  }

  @ParameterizedTest
  @MethodSource("operations")
  void everyFormUpdatesItsWordAndReturnsTheOldValue(Operation op, VirtualGpu gpu) {
    long[][] inputs = operands(op);
    List<String> wrong = new ArrayList<>();
    for (Case c : cases(op)) {
      long[] words = new long[THREADS];
      java.util.Arrays.fill(words, FILL);
      long[][] outputs;
      try (DeviceArray memory = gpu.longs(words)) {
        outputs = new WarpBench(gpu).run(c.code(), inputs, memory);
      } catch (RuntimeException e) {
        wrong.add(c.instruction() + ": " + e.getMessage());
        continue;
      }
      for (int t = 0; t < THREADS; t++) {
        long old = inputs[0][t];
        boolean flushes = op.type() == PtxType.F32 && !c.shared();
        long expected =
            flushes
                ? flushedSum(inputs[0][t], inputs[1][t])
                : op.update().of(old, inputs[1][t], inputs[2][t]);
        int at = op.type().bits == 16 ? 16 : 0;
        long mask = op.type().truncate(-1) << at;
        long memory = outputs[1][t];
        boolean right =
            same(op.type(), expected, (memory & mask) >>> at)
                && (memory & ~mask) == (FILL & ~mask)
                && op.type().truncate(outputs[0][t]) == old;
        if (!right) {
          wrong.add(
              "%s: old %x, b %x, c %x, new %x, not %x"
                  .formatted(c.instruction(), old, inputs[1][t], inputs[2][t], memory, expected));
          break;
        }
      }
    }
    assertTrue(wrong.isEmpty(), () -> String.join("\n", wrong));
  }

  /** Old value, operand and second operand, from the edges; every third comparison is equal. */
  private static long[][] operands(Operation op) {
    List<Long> edges = op.type().edges();
    Random random = new Random(op.toString().hashCode());
    long[][] inputs = new long[3][THREADS];
    for (int t = 0; t < THREADS; t++) {
      for (long[] input : inputs) {
        input[t] = op.type().truncate(edges.get(random.nextInt(edges.size())));
      }
      if (t % 3 == 0) {
        inputs[1][t] = inputs[0][t];
      }
    }
    return inputs;
  }

  private static boolean same(PtxType t, long expected, long actual) {
    OpcodeRow.Match match = t.format == null ? OpcodeRow.BITS : OpcodeRow.ANY_NAN;
    return match.accepts(t, new long[0], expected, actual);
  }

  /** "add rounds to nearest even" and keeps subnormals. */
  private static long sum(PtxType t, long x, long y) {
    FloatFormat f = t.format;
    if (!t.packed()) {
      return f.add(x, y, Rounding.RN);
    }
    long low = f.add(x & 0xffff, y & 0xffff, Rounding.RN);
    return low | f.add(x >>> 16, y >>> 16, Rounding.RN) << 16;
  }

  /**
   * "Current implementation of atom.add.f32 on global memory flushes subnormal inputs and results
   * to sign-preserving zero; on shared memory it doesn't."
   */
  private static long flushedSum(long x, long y) {
    FloatFormat f = FloatFormat.F32;
    return f.flush(f.add(f.flush(x), f.flush(y), Rounding.RN));
  }
}
