package io.diffuse4j.junit.isa;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.diffuse4j.junit.VirtualGpu;
import io.diffuse4j.junit.VirtualGpuExtension;
import io.diffuse4j.junit.isa.WarpBench.Code;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** PTX ISA, "ld" of what a kernel can only read: its parameters and constant memory. */
@ExtendWith(VirtualGpuExtension.class)
class ConstantOpcodeTest {
  static Stream<Form> forms() {
    return Stream.of(parameters(), constants()).flatMap(Code::forms);
  }

  /** Kernel parameters: the pointers that every kernel here takes, in all pieces. */
  private static Code parameters() {
    List<String> outputs = new ArrayList<>();
    StringBuilder text = new StringBuilder();
    for (String space : List.of(".param", ".param::entry", "")) {
      if (space.isEmpty()) {
        text.append("mov.b64 %w, memory; cvta.param.u64 %w, %w;\n");
      }
      for (MemoryAccess a : MemoryAccess.accesses(space)) {
        if (a.bytes() * a.count() <= 8) {
          text.append(a.text("ld")).append(" ").append(a.list("%o", outputs.size()));
          text.append(space.isEmpty() ? ", [%w];\n" : ", [memory];\n");
          outputs.addAll(Collections.nCopies(a.count(), a.registerKind()));
        }
      }
    }
    outputs.add("b64");
    text.append("mov.b64 %o").append(outputs.size() - 1).append(", %mem");
    return Code.warp(List.of(), outputs, text.toString());
  }

  @Test
  void parametersAreReadInEveryPiece(VirtualGpu gpu) {
    Code code = parameters();
    long[][] outputs = new WarpBench(gpu).run(code, new long[0][]);
    long address = outputs[outputs.length - 1][0];
    int slot = 0;
    for (String space : List.of(".param", ".param::entry", "")) {
      for (MemoryAccess a : MemoryAccess.accesses(space)) {
        if (a.bytes() * a.count() <= 8) {
          for (int e = 0; e < a.count(); e++, slot++) {
            long element = address >>> (8 * e * a.bytes());
            assertEquals(a.extended(element), outputs[slot][7], a.text("ld") + " element " + e);
          }
        }
      }
    }
  }

  private static final String TABLE = "0x11, 0x82, 0x93, 0x74, 0xa5, 0x36, 0x17, 0xf8";

  private static Code constants() {
    List<String> outputs = new ArrayList<>();
    StringBuilder text = new StringBuilder();
    for (String space : List.of(".const", "")) {
      text.append("mov.u64 %u, table;\n");
      if (space.isEmpty()) {
        text.append("cvta.const.u64 %u, %u;\n");
      }
      for (MemoryAccess a : MemoryAccess.accesses(space)) {
        if (a.bytes() * a.count() <= 8) {
          text.append(a.text("ld")).append(" ").append(a.list("%o", outputs.size()));
          text.append(", [%u];\n");
          outputs.addAll(Collections.nCopies(a.count(), a.registerKind()));
        }
      }
    }
    text.setLength(text.length() - 2);
    return Code.warp(List.of(), outputs, text.toString());
  }

  @Test
  void constantsAreReadInEveryPiece(VirtualGpu gpu) {
    String table = ".const .align 16 .b8 table[8] = {" + TABLE + "};\n";
    long[][] outputs = new WarpBench(gpu).run(constants(), new long[0][], table);
    long value = 0xf81736a574938211L;
    int slot = 0;
    for (String space : List.of(".const", "")) {
      for (MemoryAccess a : MemoryAccess.accesses(space)) {
        if (a.bytes() * a.count() <= 8) {
          for (int e = 0; e < a.count(); e++, slot++) {
            long element = value >>> (8 * e * a.bytes());
            assertEquals(a.extended(element), outputs[slot][7], a.text("ld") + " element " + e);
          }
        }
      }
    }
  }
}
