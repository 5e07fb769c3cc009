package io.diffuse4j.junit.isa;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.junit.DeviceArray;
import io.diffuse4j.junit.LaunchShape;
import io.diffuse4j.junit.VirtualGpu;
import io.diffuse4j.junit.VirtualGpuException;
import io.diffuse4j.junit.VirtualGpuExtension;
import io.diffuse4j.junit.VirtualGpuSettings;
import io.diffuse4j.junit.isa.WarpBench.Code;
import io.diffuse4j.natives.VirtualGpuDiagnostic;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** PTX ISA, "bar, barrier", "bar.warp.sync" and "membar, fence". */
@ExtendWith(VirtualGpuExtension.class)
class BarrierOpcodeTest {
  private static final int THREADS = 128;

  /** What synchronises all threads of the block; register %y holds 9, %z the block's size. */
  static List<String> wholeBlock() {
    List<String> list = new ArrayList<>();
    for (String sync :
        List.of(
            "bar.sync",
            "bar.cta.sync",
            "barrier.sync",
            "barrier.cta.sync",
            "barrier.sync.aligned",
            "barrier.cta.sync.aligned")) {
      for (String operands : List.of(" 0", " 1", " 15", " %y", " 3, 128", " %y, %z", " 7, %z")) {
        list.add(sync + operands);
      }
    }
    return list;
  }

  static List<String> reductions() {
    List<String> list = new ArrayList<>();
    for (String red :
        List.of("bar.red", "bar.cta.red", "barrier.red", "barrier.cta.red", "barrier.cta.red")) {
      for (String aligned : red.startsWith("barrier") ? List.of("", ".aligned") : List.of("")) {
        for (String operands : List.of("4", "%y", "5, 128", "%y, %z")) {
          for (String not : List.of("", "!")) {
            list.add(red + ".popc" + aligned + ".u32 %o0, " + operands + ", " + not + "%p");
            list.add(red + ".and" + aligned + ".pred %q, " + operands + ", " + not + "%p");
            list.add(red + ".or" + aligned + ".pred %q, " + operands + ", " + not + "%p");
          }
        }
      }
    }
    return list;
  }

  static List<String> arrivals() {
    return List.of(
        "bar.arrive 6, 128",
        "bar.cta.arrive %y, %z",
        "barrier.arrive 6, %z",
        "barrier.cta.arrive %y, 128",
        "barrier.arrive.aligned 6, 128",
        "barrier.cta.arrive.aligned 6, 128");
  }

  static List<String> fences() {
    List<String> list = new ArrayList<>(List.of("membar.cta", "membar.gl", "membar.sys"));
    for (String fence : List.of("fence", "fence.sc", "fence.acq_rel")) {
      for (String scope : List.of(".cta", ".gpu", ".sys")) {
        list.add(fence + scope);
      }
    }
    return list;
  }

  static Stream<Form> forms() {
    Stream<String> all =
        Stream.of(wholeBlock(), reductions(), arrivals(), fences(), List.of("bar.warp.sync -1"))
            .flatMap(List::stream);
    String registers = "  .reg .pred %p, %q; .reg .b32 %o0, %y, %z;\n";
    return all.map(text -> new Form(registers, text));
  }

  /** Each thread writes, synchronises and reads what a thread of another warp wrote. */
  @ParameterizedTest
  @MethodSource("wholeBlock")
  void barriersMakeWritesOfTheWholeBlockVisible(String barrier, VirtualGpu gpu) {
    String text =
        "mov.b32 %y, 9; mov.b32 %z, 128; mad.lo.u32 %x, %thread, 4, %tile;\n"
            + "st.shared.b32 [%x], %i0;\n"
            + barrier
            + ";\nxor.b32 %lane, %thread, 96; mad.lo.u32 %x, %lane, 4, %tile;\n"
            + "ld.shared.b32 %o0, [%x];\n"
            + barrier
            + ";\nst.shared.b32 [%x], %o0;\n" // the barrier is there again at once
            + barrier
            + ";\nmad.lo.u32 %x, %thread, 4, %tile; ld.shared.b32 %o1, [%x]";
    long[] values = LongStream.range(100, 100 + THREADS).toArray();
    Code code = new Code(THREADS, List.of("b32"), List.of("b32", "b32"), text);
    long[][] outputs = new WarpBench(gpu).run(code, new long[][] {values});
    for (int t = 0; t < THREADS; t++) {
      assertEquals(100 + (t ^ 96), outputs[0][t], barrier);
      assertEquals(100 + t, outputs[1][t], barrier);
    }
  }

  /** Without the barrier the same kernel is a race, so that the test above can fail. */
  @Test
  @VirtualGpuSettings(failOnDiagnostics = false)
  void withoutABarrierThereIsARace(VirtualGpu gpu) {
    String text =
        """
            mad.lo.u32 %x, %thread, 4, %tile; st.shared.b32 [%x], %thread;
            xor.b32 %lane, %thread, 96; mad.lo.u32 %x, %lane, 4, %tile;
            ld.shared.b32 %o0, [%x]""";
    new WarpBench(gpu).run(new Code(THREADS, List.of(), List.of("b32"), text), new long[0][]);
    assertTrue(
        gpu.diagnostics().stream().anyMatch(d -> d.kind() == VirtualGpuDiagnostic.Kind.RACECHECK));
  }

  @ParameterizedTest
  @MethodSource("reductions")
  void reductionsCombineThePredicatesOfAllThreads(String barrier, VirtualGpu gpu) {
    boolean popc = barrier.contains(".popc");
    String text =
        "mov.b32 %y, 9; mov.b32 %z, 128; setp.ne.b32 %p, %i0, 0;\n"
            + barrier
            + (popc ? "" : "; selp.b32 %o0, 1, 0, %q");
    Code code = new Code(THREADS, List.of("b32"), List.of("b32"), text);
    for (int trues : new int[] {0, 1, 37, THREADS - 1, THREADS}) {
      long[] values =
          LongStream.range(0, THREADS).map(t -> t * 5 % THREADS < trues ? 1 : 0).toArray();
      int count = barrier.contains("!") ? THREADS - trues : trues;
      long expected =
          popc ? count : barrier.contains(".and") ? (count == THREADS ? 1 : 0) : count > 0 ? 1 : 0;
      long[] result = new WarpBench(gpu).run(code, new long[][] {values})[0];
      assertTrue(Arrays.stream(result).allMatch(v -> v == expected), barrier + " " + trues);
    }
  }

  /** Two warps produce and go on, two wait for them: "arrive does not cause a thread to wait". */
  @ParameterizedTest
  @MethodSource("arrivals")
  void arrivalsLetTheConsumersGoOn(String arrive, VirtualGpu gpu) {
    String wait = arrive.replaceFirst("arrive", "sync");
    String text =
        """
        {
        mov.b32 %y, 9; mov.b32 %z, 128; mad.lo.u32 %x, %thread, 4, %tile; mov.b32 %o0, 0;
        setp.ge.u32 %p, %thread, 64;
        @%p bra CONSUME;
        st.shared.b32 [%x], %i0;
        ARRIVE;
        bra DONE;
        CONSUME:
        WAIT;
        ld.shared.b32 %o0, [%x+-256];
        DONE:
        }
        """
            .replace("ARRIVE", arrive)
            .replace("WAIT", wait);
    long[] values = LongStream.range(100, 100 + THREADS).toArray();
    Code code = new Code(THREADS, List.of("b32"), List.of("b32"), text);
    long[] result = new WarpBench(gpu).run(code, new long[][] {values})[0];
    for (int t = 0; t < THREADS; t++) {
      assertEquals(t < 64 ? 0 : 100 + t - 64, result[t], arrive + " thread " + t);
    }
  }

  /** "barrier without .aligned" may be reached from different places of a warp. */
  @Test
  void barriersThatAreNotAlignedMeetFromDivergentCode(VirtualGpu gpu) {
    String text =
        """
        {
        mad.lo.u32 %x, %thread, 4, %tile; st.shared.b32 [%x], %thread;
        and.b32 %y, %thread, 1; setp.ne.b32 %p, %y, 0;
        @%p bra ODD;
        barrier.sync 2;
        bra DONE;
        ODD:
        barrier.sync 2;
        DONE:
        xor.b32 %lane, %thread, 33; mad.lo.u32 %x, %lane, 4, %tile; ld.shared.b32 %o0, [%x];
        }
        """;
    Code code = new Code(THREADS, List.of(), List.of("b32"), text);
    long[] result = new WarpBench(gpu).run(code, new long[0][])[0];
    assertArrayEquals(LongStream.range(0, THREADS).map(t -> t ^ 33).toArray(), result);
  }

  /** Half of the lanes write, the warp's barrier orders them before the other half. */
  @Test
  void warpBarriersOrderTheLanesOfTheirMask(VirtualGpu gpu) {
    String text =
        """
        {
        mad.lo.u32 %x, %thread, 4, %tile; st.shared.b32 [%x], %thread;
        setp.ge.u32 %p, %lane, 16;
        @%p bra HIGH;
        bar.warp.sync 0x0000ffff;
        bra NEXT;
        HIGH:
        bar.warp.sync 0xffff0000;
        NEXT:
        xor.b32 %lane, %thread, 15; mad.lo.u32 %x, %lane, 4, %tile; ld.shared.b32 %o0, [%x];
        bar.warp.sync -1;
        xor.b32 %lane, %thread, 31; mad.lo.u32 %x, %lane, 4, %tile; ld.shared.b32 %o1, [%x];
        }
        """;
    long[][] outputs =
        new WarpBench(gpu).run(Code.warp(List.of(), List.of("b32", "b32"), text), new long[0][]);
    assertArrayEquals(LongStream.range(0, 32).map(t -> t ^ 15).toArray(), outputs[0]);
    assertArrayEquals(LongStream.range(0, 32).map(t -> t ^ 31).toArray(), outputs[1]);
  }

  /** One block passes a message to another: only a fence of device or system scope orders it. */
  @ParameterizedTest
  @MethodSource("fences")
  @VirtualGpuSettings(failOnDiagnostics = false)
  void fencesOrderBlocksIfTheirScopeHoldsBoth(String fence, VirtualGpu gpu) {
    String ptx =
        """
        .version 8.7
        .target sm_80
        .address_size 64
        .visible .entry pass(.param .u64 memory)
        {
          .reg .b64 %m; .reg .b32 %b, %v; .reg .pred %p;
          ld.param.u64 %m, [memory];
          mov.u32 %b, %ctaid.x;
          setp.ne.u32 %p, %b, 0;
          @%p bra RECEIVE;
          st.global.b32 [%m], 42;
          FENCE;
          st.relaxed.gpu.global.b32 [%m+4], 1;
          ret;
        RECEIVE:
          ld.relaxed.gpu.global.b32 %v, [%m+4];
          setp.eq.b32 %p, %v, 0;
          @%p bra RECEIVE;
          FENCE;
          ld.global.b32 %v, [%m];
          st.global.b32 [%m+8], %v;
          ret;
        }
        """
            .replace("FENCE", fence);
    try (DeviceArray memory = gpu.ints(0, 0, 0)) {
      gpu.load(ptx).kernel("pass").launch(LaunchShape.of(2, 1), memory);
      assertEquals(42, memory.toInts()[2], fence);
    }
    boolean race =
        gpu.diagnostics().stream().anyMatch(d -> d.kind() == VirtualGpuDiagnostic.Kind.RACECHECK);
    assertEquals(fence.endsWith(".cta"), race, () -> gpu.diagnostics().toString());
  }

  /** What a register holds can only be wrong when the kernel runs. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "mov.b32 %y, 16; bar.sync %y",
        "mov.b32 %y, -1; bar.sync %y",
        "mov.b32 %y, 48; bar.sync 1, %y",
        "mov.b32 %y, 0; bar.arrive 1, %y",
        "mov.b32 %y, 0; bar.sync 1, %y",
        "mov.b32 %y, 16; setp.eq.b32 %p, %y, 0; bar.red.popc.u32 %z, %y, %p"
      })
  @VirtualGpuSettings(failOnDiagnostics = false)
  void wrongBarriersInRegistersStopTheKernel(String text, VirtualGpu gpu) {
    Code code = new Code(THREADS, List.of(), List.of(), text);
    VirtualGpuException e =
        assertThrows(VirtualGpuException.class, () -> new WarpBench(gpu).run(code, new long[0][]));
    assertEquals(ILLEGAL_INSTRUCTION, e.code(), e::getMessage);
    assertTrue(e.getMessage().contains("barrier"), e::getMessage);
  }

  private static final int ILLEGAL_INSTRUCTION = 715;
}
