package io.diffuse4j.junit.isa;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.diffuse4j.junit.VirtualGpu;
import io.diffuse4j.junit.VirtualGpuException;
import io.diffuse4j.junit.VirtualGpuExtension;
import io.diffuse4j.junit.VirtualGpuSettings;
import io.diffuse4j.junit.isa.WarpBench.Code;
import java.util.List;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** PTX ISA, "Addresses as Operands": what is not aligned to its size is an error. */
@ExtendWith(VirtualGpuExtension.class)
class AlignmentOpcodeTest {
  private static final int MISALIGNED_ADDRESS = 716;

  /** "The address must be naturally aligned to a multiple of the access size." */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "ld.global.b16 %h, [%mem+1]",
        "ld.global.b32 %x, [%mem+2]",
        "ld.global.b64 %u, [%mem+4]",
        "ld.global.v2.b32 {%x, %y}, [%mem+4]",
        "ld.global.v4.b32 {%x, %y, %z, %x}, [%mem+8]",
        "ld.shared.v2.b64 {%u, %v}, [%tile+8]",
        "ld.b32 %x, [%mem+1]",
        "st.global.b16 [%mem+1], %h",
        "st.shared.b32 [%tile+1], %lane",
        "st.global.v2.b32 [%mem+4], {%lane, %lane}",
        "st.global.v4.b32 [%mem+8], {%lane, %lane, %lane, %lane}",
        "atom.global.add.u32 %x, [%mem+2], 1",
        "atom.shared.add.u64 %u, [%tile+4], 1",
        "red.global.add.f64 [%mem+4], 0d3FF0000000000000",
        "atom.global.cas.b16 %h, [%mem+1], 0, 1",
        "cp.async.ca.shared.global [%tile+2], [%mem], 4",
        "cp.async.ca.shared.global [%tile], [%mem+4], 8",
        "cp.async.cg.shared.global [%tile+8], [%mem], 16",
        "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%x}, [%tile+8]",
        "stmatrix.sync.aligned.m8n8.x1.shared.b16 [%tile+8], {%lane}"
      })
  @VirtualGpuSettings(failOnDiagnostics = false)
  void misalignedAddressesAreErrors(String instruction, VirtualGpu gpu) {
    String text = "mov.b16 %h, 0; st.shared.b32 [%tile], 0;\n" + instruction;
    if (instruction.startsWith("cp.async")) {
      text += "; cp.async.wait_all";
    }
    Code code = Code.warp(List.of(), List.of(), text);
    VirtualGpuException e =
        assertThrows(VirtualGpuException.class, () -> new WarpBench(gpu).run(code, new long[0][]));
    assertEquals(MISALIGNED_ADDRESS, e.code(), e::getMessage);
  }
}
