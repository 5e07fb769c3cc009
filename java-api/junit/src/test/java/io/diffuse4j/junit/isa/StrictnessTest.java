package io.diffuse4j.junit.isa;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.junit.VirtualGpu;
import io.diffuse4j.junit.VirtualGpuException;
import io.diffuse4j.junit.VirtualGpuExtension;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is not implemented, or not PTX, is refused when it is loaded: never guessed. */
@ExtendWith(VirtualGpuExtension.class)
class StrictnessTest {
  private static final int INVALID_PTX = 218;
  private static final int UNSUPPORTED_PTX_VERSION = 222;
  private static final int NOT_SUPPORTED = 801;
  private static final int LINE = 8;

  static List<String> refused() {
    return List.of(
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
        "tex.2d.v4.f32.f32 {%f, %f, %f, %f}, [t, {%f, %f}]",
        // Ranges.
        "bar.sync 16",
        "bar.sync -1",
        "bar.sync 0, 16",
        "bar.sync 0, 0",
        "bar.sync 0, 1056",
        "bar.arrive 1",
        "barrier.sync 1, 33",
        "bar.red.popc.u32 %r, 16, %p",
        "bar.red.popc.pred %p, 1, %p",
        "bar.red.and.u32 %r, 1, %p",
        "cp.async.ca.shared.global [%r], [%l], 2",
        "cp.async.cg.shared.global [%r], [%l], 8",
        "cp.async.cg.shared.global [%r], [%l], %r",
        "cp.async.wait_group -1",
        "cp.async.wait_group %r",
        "lop3.b32 %r, %r, %r, %r, -1",
        "pmevent %r",
        // Forms that the ISA does not have.
        "red.acquire.gpu.global.add.u32 [%l], %r",
        "red.global.exch.b32 [%l], %r",
        "atom.global.add.f16 %h, [%l], %h",
        "atom.global.add.noftz.f32 %f, [%l], %f",
        "atom.global.add.s64 %l, [%l], %l",
        "atom.global.inc.s32 %r, [%l], %r",
        "atom.global.max.f32 %f, [%l], %f",
        "atom.local.add.u32 %r, [%r], %r",
        "atom.global.cas.L2::cache_hint.b32 %r, [%l], %r, %r, %l",
        "ld.relaxed.global.u32 %r, [%l]",
        "ld.relaxed.gpu.local.u32 %r, [%r]",
        "ld.volatile.param.u32 %r, [%r]",
        "ld.volatile.global.ca.u32 %r, [%l]",
        "ld.acquire.gpu.global.cg.u32 %r, [%l]",
        "ld.global.cg.L1::evict_last.u32 %r, [%l]",
        "ld.shared.nc.u32 %r, [%r]",
        "ld.volatile.global.nc.u32 %r, [%l]",
        "ld.global.lu.nc.u32 %r, [%l]",
        "ld.shared.L2::64B.u32 %r, [%r]",
        "ld.global.f16 %h, [%l]",
        "ld.global.pred %p, [%l]",
        "ld.global.v4.u64 {%l, %l, %l, %l}, [%l]",
        "ld.global.v4.L2::evict_first.u32 {%r, %r, %r, %r}, [%l]",
        "ld.global.u64 %r, [%l]",
        "ld.global.u32 %r, [%r]",
        "st.const.u32 [%l], %r",
        "st.acquire.gpu.global.u32 [%l], %r",
        "st.release.gpu.global.wt.u32 [%l], %r",
        "st.global.f16 [%l], %h",
        "st.global.u64 [%l], %r",
        "cvt.rn.sat.bf16.f32 %h, %f",
        "cvt.rn.f32.f16 %f, %h",
        "cvt.rn.f64.f32 %d, %f",
        "cvt.rn.satfinite.f16.f64 %h, %d",
        "cvt.rm.f16x2.f32 %r, %f, %f",
        "ex2.approx.bf16 %h, %h",
        "ex2.approx.ftz.f16 %h, %h",
        "tanh.approx.ftz.f32 %f, %f",
        "sqrt.f32 %f, %f",
        "rcp.approx.f64 %d, %d",
        "rsqrt.rn.f32 %f, %f",
        "div.f32 %f, %f, %f",
        "div.approx.f64 %d, %d, %d",
        "mul24.wide.u32 %l, %r, %r",
        "mad24.hi.sat.u32 %r, %r, %r, %r",
        "sad.f32 %f, %f, %f, %f",
        "abs.u32 %r, %r",
        "and.u32 %r, %r, %r",
        "bfe.b32 %r, %r, %r, %r",
        "popc.b16 %r, %h",
        "shfl.up.b32 %r, %r, 1, 0",
        "vote.all.pred %p, %p",
        "shfl.sync.up.b64 %l, %l, 1, 0, -1",
        "redux.sync.add.u64 %l, %l, -1",
        "match.any.sync.b16 %r, %h, -1",
        "membar",
        "fence.gpu.cluster",
        "ldmatrix.sync.aligned.m8n8.x3.shared.b16 {%r, %r, %r}, [%r]",
        "ldmatrix.sync.aligned.m8n8.x1.global.b16 {%r}, [%l]",
        "stmatrix.sync.aligned.m8n8.x2.shared.b16 [%r], {%r}",
        "mma.sync.aligned.m16n8k16.row.row.f32.f16.f16.f32 {%f, %f, %f, %f}, {%r, %r, %r, %r}, "
            + "{%r, %r}, {%f, %f, %f, %f}",
        "mma.sync.aligned.m16n8k16.row.col.satfinite.f32.f16.f16.f32 {%f, %f, %f, %f}, "
            + "{%r, %r, %r, %r}, {%r, %r}, {%f, %f, %f, %f}",
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.bf16.f32 {%f, %f, %f, %f}, {%r, %r, %r, %r}, "
            + "{%r, %r}, {%f, %f, %f, %f}",
        "mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f32 {%f, %f}, {%r}, {%r}, {%f, %f}",
        "mma.sp.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f, %f, %f, %f}, {%r, %r}, "
            + "{%r, %r}, {%f, %f, %f, %f}, %r, 0",
        "mma.sp::ordered_metadata.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
            + "{%f, %f, %f, %f}, {%r, %r}, {%r, %r}, {%f, %f, %f, %f}, %r, 0",
        "mma.sync.aligned.m8n8k16.row.col.s32.s8.s4.s32 {%r, %r}, {%r}, {%r}, {%r, %r}",
        // sm_90 and later.
        "mbarrier.arrive.shared.b64 %l, [%l]",
        "mbarrier.try_wait.parity.shared.b64 %p, [%l], 0",
        "cp.async.mbarrier.arrive.shared.b64 [%l]",
        "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%l], [%l], 16, [%l]",
        "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%l], "
            + "[%l, {%r, %r}], [%l]",
        "cp.async.bulk.wait_group 0",
        "cp.reduce.async.bulk.global.shared::cta.bulk_group.add.u32 [%l], [%l], 16",
        "wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {%f, %f, %f, %f}, %l, %l, 1, 1, 1, 0, 0",
        "barrier.cluster.arrive",
        "barrier.cluster.wait",
        "mapa.shared::cluster.u32 %r, %r, 0",
        "getctarank.u64 %r, %l",
        "ld.shared::cluster.u32 %r, [%r]",
        "st.shared::cluster.u32 [%r], %r",
        "st.async.shared::cluster.mbarrier::complete_tx::bytes.u32 [%l], %r, [%l]",
        "st.bulk.shared::cta [%l], 16, 0",
        "red.async.shared::cluster.mbarrier::complete_tx::bytes.inc.u32 [%l], %r, [%l]",
        "atom.cluster.global.add.u32 %r, [%l], %r",
        "atom.global.v2.f32.add {%f, %f}, [%l], {%f, %f}",
        "atom.shared::cluster.add.u32 %r, [%r], %r",
        "ld.global.v8.f32 {%f, %f, %f, %f, %f, %f, %f, %f}, [%l]",
        "st.global.v8.f32 [%l], {%f, %f, %f, %f, %f, %f, %f, %f}",
        "ld.mmio.relaxed.sys.global.u32 %r, [%l]",
        "st.mmio.relaxed.sys.global.u32 [%l], %r",
        "fence.proxy.async",
        "fence.acq_rel.cluster",
        "prefetch.tensormap [%l]",
        "prefetch.shared.L1 [%r]",
        "discard.global.L2 [%l], 128",
        "isspacep.const %p, %l",
        "isspacep.shared::cluster %p, %l",
        "cvta.shared::cluster.u64 %l, %l",
        "griddepcontrol.wait",
        "tcgen05.fence::before_thread_sync",
        "multimem.red.relaxed.gpu.global.add.u32 [%l], %r",
        "createpolicy.fractional.L2::evict_last.b64 %l, 0.5",
        "cvt.rn.satfinite.e4m3x2.f32 %h, %f, %f",
        "cvt.pack.sat.u4.s32.b32 %r, %r, %r, %r",
        // Others that exist and are not implemented.
        "wmma.load.a.sync.aligned.row.m16n16k16.global.f16 {%r, %r, %r, %r, %r, %r, %r, %r}, [%l]",
        "vadd.s32.s32.s32 %r, %r, %r",
        "suld.b.1d.b32.trap %r, [s, {%r}]",
        "alloca.u64 %l, 16",
        "istypep.texref %p, %l");
  }

  @ParameterizedTest
  @MethodSource("refused")
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
    String name = instruction.replaceFirst(" .*", "");
    assertTrue(refusal.getMessage().contains(name), refusal::getMessage);
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
