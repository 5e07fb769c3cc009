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
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.diffuse4j.junit.VirtualGpu;
import io.diffuse4j.junit.isa.WarpBench.Code;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** PTX ISA: mov, cvta, isspacep, prefetch and applypriority. */
class MoveOpcodeTest extends OpcodeRowTest {
  @OpcodeRows
  static List<OpcodeRow> movesCopyEveryBit() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (PtxType t : List.of(U16, S16, U32, S32, U64, S64, F32, F64)) {
      rows.add(exact("mov." + t.modifier() + " %d, %a", t, List.of(t), x -> x[0]));
      if (!t.signed && t.format == null) {
        rows.add(exact("mov.b" + t.bits + " %d, %a", t, List.of(t), x -> x[0]));
      }
    }
    rows.add(
        exact(
            "setp.lt.s32 %p, %a, 5; mov.pred %q, %p; selp.b32 %d, 1, 0, %q",
            U32, List.of(S32), x -> (int) x[0] < 5 ? 1 : 0));
    return rows;
  }

  /** "The leftmost element is the least significant." */
  @OpcodeRows
  static List<OpcodeRow> vectorsArePackedAndUnpackedFromTheLowEnd() {
    return List.of(
        exact("mov.b32 %d, {%a, %b}", U32, List.of(U16, U16), x -> x[1] << 16 | x[0]),
        exact("mov.b64 %d, {%a, %b}", U64, List.of(U32, U32), x -> x[1] << 32 | x[0]),
        exact(
            "mov.b64 %d, {%a, %b, %c, %a}",
            U64, List.of(U16, U16, U16), x -> x[0] << 48 | x[2] << 32 | x[1] << 16 | x[0]),
        exact("mov.b32 {%h, %d}, %a", U16, List.of(U32), x -> x[0] >>> 16),
        exact("mov.b32 {%d, _}, %a", U16, List.of(U32), x -> x[0]),
        exact("mov.b64 {%t, %d}, %a", U32, List.of(U64), x -> x[0] >>> 32),
        exact("mov.b64 {%d, _}, %a", U32, List.of(U64), x -> x[0]),
        exact("mov.b64 {%h, %d, %h, %h2}, %a", U16, List.of(U64), x -> x[0] >>> 16),
        exact("mov.b64 {%h, %h2, %d, %h}, %a", U16, List.of(U64), x -> x[0] >>> 32),
        exact("mov.b64 {_, _, _, %d}, %a", U16, List.of(U64), x -> x[0] >>> 48));
  }

  /** An address that is made generic and taken back is the same one. */
  @OpcodeRows
  static List<OpcodeRow> addressesConvertToGenericOnesAndBack() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (String space :
        List.of("global", "const", "shared", "shared::cta", "local", "param", "param::entry")) {
      rows.add(
          exact(
              "cvta." + space + ".u64 %w, %a; cvta.to." + space + ".u64 %d, %w",
              U64,
              List.of(U64),
              x -> x[0]));
    }
    return rows;
  }

  /** Hints: nothing changes, whatever they point to. */
  @OpcodeRows
  static List<OpcodeRow> prefetchesChangeNothing() {
    List<OpcodeRow> rows = new ArrayList<>();
    for (String hint :
        List.of(
            "prefetch.global.L1 [%w]",
            "prefetch.global.L2 [%w]",
            "prefetch.local.L1 [%t]",
            "prefetch.local.L2 [%t]",
            "prefetch.L1 [%w]",
            "prefetch.L2 [%w]",
            "prefetch.global.L2::evict_last [%w]",
            "prefetch.global.L2::evict_normal [%w]",
            "prefetchu.L1 [%w]",
            "applypriority.global.L2::evict_normal [%w], 128",
            "applypriority.L2::evict_normal [%w], 128")) {
      String text = "mov.b64 %w, 0; mov.b32 %t, 0; " + hint + "; mov.b32 %d, %a";
      rows.add(exact(text, U32, Collections.nCopies(1, U32), x -> x[0]));
    }
    return rows;
  }

  /** The window of a generic address: each is in one of them. */
  @Test
  void isspacepKnowsTheStateSpaceOfAnAddress(VirtualGpu gpu) {
    List<String> spaces = List.of("global", "shared", "local", "param");
    List<String> names =
        List.of("global", "shared", "shared::cta", "local", "param", "param::entry");
    StringBuilder text = new StringBuilder(".local .align 8 .b8 own[8];\n");
    text.append("mov.b64 %w, %mem;\n");
    List<String> outputs = new ArrayList<>();
    for (String space : spaces) {
      switch (space) {
        case "shared" -> text.append("mov.b64 %w, %shared;\n");
        case "local" -> text.append("mov.u64 %w, own; cvta.local.u64 %w, %w;\n");
        case "param" -> text.append("mov.b64 %w, in; cvta.param.u64 %w, %w;\n");
        default -> {}
      }
      for (String name : names) {
        text.append("isspacep.").append(name).append(" %p, %w; selp.b32 %o");
        text.append(outputs.size()).append(", 1, 0, %p;\n");
        outputs.add("b32");
      }
    }
    text.setLength(text.length() - 2);
    long[][] results =
        new WarpBench(gpu).run(Code.warp(List.of(), outputs, text.toString()), new long[0][]);
    int slot = 0;
    for (String space : spaces) {
      for (String name : names) {
        long expected = name.startsWith(space) ? 1 : 0;
        assertEquals(expected, results[slot++][3], name + " of an address in " + space);
      }
    }
  }

  static Stream<Form> spaceForms() {
    String registers = "  .reg .pred %p; .reg .b64 %w;\n";
    return Stream.of("global", "shared", "shared::cta", "local", "param", "param::entry")
        .map(s -> new Form(registers, "isspacep." + s + " %p, %w"));
  }
}
