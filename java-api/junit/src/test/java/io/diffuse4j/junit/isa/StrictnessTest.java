package io.diffuse4j.junit.isa;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.junit.VirtualGpu;
import io.diffuse4j.junit.VirtualGpuException;
import io.diffuse4j.junit.VirtualGpuExtension;
import java.util.Set;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is not implemented, or not PTX, is refused when it is loaded: never guessed. */
@ExtendWith(VirtualGpuExtension.class)
class StrictnessTest {
  private static final int INVALID_PTX = 218;
  private static final int UNSUPPORTED_PTX_VERSION = 222;
  private static final int NOT_SUPPORTED = 801;
  private static final int LINE = 8;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "frobnicate.b32 %r, %r",
        "add.frob.s32 %r, %r, %r",
        "add.rn.s32 %r, %r, %r",
        "add.sat.u64 %l, %l, %l",
        "mul.wide.u64 %l, %l, %l",
        "mul.s32 %r, %r",
        "add.s32 %r, %r",
        "add.s32 %r, %r, %undeclared",
        "shl.s32 %r, %r, %r",
        "setp.lo.s32 %p, %r, %r",
        "setp.equ.s32 %p, %r, %r",
        "shf.l.b32 %r, %r, %r, %r",
        "lop3.b32 %r, %r, %r, %r",
        "lop3.b32 %r, %r, %r, %r, 256",
        "fma.f32 %f, %f, %f, %f",
        "cvt.f16.f32 %h, %f",
        "cvt.s32.f32 %r, %f",
        "cvt.rn.s32.f32 %r, %f",
        "rcp.f64 %d, %d",
        "ld.global.v3.u32 {%r, %r, %r}, [%l]",
        "ld.global.v2.u32 %r, [%l]",
        "ld.frob.u32 %r, [%l]",
        "atom.global.frob.u32 %r, [%l], %r",
        "mma.sync.aligned.m16n8k99.row.col.f32.f16.f16.f32 {%f, %f, %f, %f}, {%r, %r}, {%r}, "
            + "{%f, %f, %f, %f}",
        "mbarrier.init.shared.b64 [%l], 1",
        "wgmma.fence.sync.aligned",
        "setmaxnreg.inc.sync.aligned.u32 64",
        "cp.async.bulk.commit_group",
        "tex.2d.v4.f32.f32 {%f, %f, %f, %f}, [t, {%f, %f}]"
      })
  void refusesWhatIsNotImplementedAndNamesTheLine(String instruction, VirtualGpu gpu) {
    String ptx =
        """
        .version 8.7
        .target sm_80
        .address_size 64
        .visible .entry kernel()
        {
          .reg .b32 %r; .reg .b64 %l; .reg .f32 %f; .reg .f64 %d; .reg .b16 %h; .reg .pred %p;
          mov.b32 %r, 1;
          INSTRUCTION;
          ret;
        }
        """
            .replace("INSTRUCTION", instruction);

    VirtualGpuException refusal = assertThrows(VirtualGpuException.class, () -> gpu.load(ptx));

    assertTrue(
        Set.of(INVALID_PTX, UNSUPPORTED_PTX_VERSION, NOT_SUPPORTED).contains(refusal.code()),
        refusal::getMessage);
    String opcode = instruction.replaceFirst("[. ].*", "");
    assertTrue(refusal.getMessage().contains(opcode), refusal::getMessage);
    assertTrue(refusal.getMessage().contains("line " + LINE), refusal::getMessage);
  }

  @ParameterizedTest
  @ValueSource(strings = {"2.0.x", "99.0", ""})
  void refusesVersionsThatItDoesNotKnow(String version, VirtualGpu gpu) {
    String ptx = ".version " + version + "\n.target sm_80\n.address_size 64\n";
    assertEquals(
        "cuModuleLoadData", assertThrows(VirtualGpuException.class, () -> gpu.load(ptx)).call());
  }
}
