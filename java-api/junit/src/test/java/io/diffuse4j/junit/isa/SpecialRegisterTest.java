package io.diffuse4j.junit.isa;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.junit.DeviceArray;
import io.diffuse4j.junit.LaunchShape;
import io.diffuse4j.junit.VirtualGpu;
import io.diffuse4j.junit.VirtualGpuExtension;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** PTX ISA, "Special Registers". */
@ExtendWith(VirtualGpuExtension.class)
class SpecialRegisterTest {
  private static final int[] GRID = {3, 2, 2};
  private static final int[] BLOCK = {5, 4, 3};
  private static final int DYNAMIC_SHARED = 256;

  /** 256 dynamic and 100 static bytes "in multiples of the allocation unit", which is 128. */
  private static final int TOTAL_SHARED = 384;

  /** What a thread should read. */
  interface Value {
    /** Of thread t (x, y, z) in block b, and its number within the block. */
    long of(int[] t, int[] b, int linear);
  }

  record SpecialRegister(String name, Value value) {
    @Override
    public String toString() {
      return name;
    }
  }

  static List<SpecialRegister> registers() {
    return List.of(
        new SpecialRegister("%tid.x", (t, b, i) -> t[0]),
        new SpecialRegister("%tid.y", (t, b, i) -> t[1]),
        new SpecialRegister("%tid.z", (t, b, i) -> t[2]),
        new SpecialRegister("%ntid.x", (t, b, i) -> BLOCK[0]),
        new SpecialRegister("%ntid.y", (t, b, i) -> BLOCK[1]),
        new SpecialRegister("%ntid.z", (t, b, i) -> BLOCK[2]),
        new SpecialRegister("%ctaid.x", (t, b, i) -> b[0]),
        new SpecialRegister("%ctaid.y", (t, b, i) -> b[1]),
        new SpecialRegister("%ctaid.z", (t, b, i) -> b[2]),
        new SpecialRegister("%nctaid.x", (t, b, i) -> GRID[0]),
        new SpecialRegister("%nctaid.y", (t, b, i) -> GRID[1]),
        new SpecialRegister("%nctaid.z", (t, b, i) -> GRID[2]),
        new SpecialRegister("%laneid", (t, b, i) -> i % 32),
        new SpecialRegister("%warpid", (t, b, i) -> i / 32),
        new SpecialRegister("%nwarpid", (t, b, i) -> 2),
        new SpecialRegister("%lanemask_eq", (t, b, i) -> 1L << i % 32),
        new SpecialRegister("%lanemask_lt", (t, b, i) -> (1L << i % 32) - 1),
        new SpecialRegister("%lanemask_le", (t, b, i) -> (2L << i % 32) - 1),
        new SpecialRegister("%lanemask_gt", (t, b, i) -> 0xffffffffL & -(2L << i % 32)),
        new SpecialRegister("%lanemask_ge", (t, b, i) -> 0xffffffffL & -(1L << i % 32)),
        new SpecialRegister("%dynamic_smem_size", (t, b, i) -> DYNAMIC_SHARED),
        new SpecialRegister("%total_smem_size", (t, b, i) -> TOTAL_SHARED),
        new SpecialRegister("WARP_SZ", (t, b, i) -> 32));
  }

  private static final String KERNEL =
      """
      .version 8.7
      .target sm_80
      .address_size 64
      .visible .entry read(.param .u64 out)
      {
        .reg .b64 %to; .reg .b32 %i, %t, %n, %v; .reg .b64 %w, %first;
        .shared .align 4 .b8 fixed[100];
        ld.param.u64 %to, [out];
        mov.u32 %i, %ctaid.z; mov.u32 %n, %nctaid.y; mov.u32 %t, %ctaid.y;
        mad.lo.u32 %i, %i, %n, %t; mov.u32 %n, %nctaid.x; mov.u32 %t, %ctaid.x;
        mad.lo.u32 %i, %i, %n, %t; mov.u32 %n, %ntid.z; mov.u32 %t, %tid.z;
        mad.lo.u32 %i, %i, %n, %t; mov.u32 %n, %ntid.y; mov.u32 %t, %tid.y;
        mad.lo.u32 %i, %i, %n, %t; mov.u32 %n, %ntid.x; mov.u32 %t, %tid.x;
        mad.lo.u32 %i, %i, %n, %t;
        mad.wide.u32 %to, %i, 8, %to;
        st.shared.b32 [fixed], 0;
        READ
        st.global.u64 [%to], %w;
        ret;
      }
      """;

  @ParameterizedTest
  @MethodSource("registers")
  void everyThreadReadsItsOwn(SpecialRegister register, VirtualGpu gpu) {
    long[] values = read(gpu, "mov.u32 %v, " + register.name() + "; cvt.u64.u32 %w, %v;");
    int index = 0;
    for (int block = 0; block < GRID[0] * GRID[1] * GRID[2]; block++) {
      int[] b = {block % GRID[0], block / GRID[0] % GRID[1], block / GRID[0] / GRID[1]};
      for (int thread = 0; thread < BLOCK[0] * BLOCK[1] * BLOCK[2]; thread++) {
        int[] t = {thread % BLOCK[0], thread / BLOCK[0] % BLOCK[1], thread / BLOCK[0] / BLOCK[1]};
        assertEquals(register.value().of(t, b, thread), values[index++], register + " " + thread);
      }
    }
  }

  /** "%smid is below %nsmid"; a grid has one number. */
  @Test
  void numbersOfMultiprocessorsAndGridsAreInRange(VirtualGpu gpu) {
    long[] sm = read(gpu, "mov.u32 %v, %smid; cvt.u64.u32 %w, %v;");
    long[] count = read(gpu, "mov.u32 %v, %nsmid; cvt.u64.u32 %w, %v;");
    for (int i = 0; i < sm.length; i++) {
      assertTrue(sm[i] < count[i], sm[i] + " of " + count[i]);
    }
    long[] grid = read(gpu, "mov.u64 %w, %gridid;");
    assertTrue(Arrays.stream(grid).allMatch(id -> id == grid[0]));
  }

  /** Clocks only move on, and the upper half is that of the 64-bit clock. */
  @ParameterizedTest
  @MethodSource("clocks")
  void clocksNeverGoBack(String reads, VirtualGpu gpu) {
    for (long difference : read(gpu, reads)) {
      assertTrue(difference >= 0 && difference < 1L << 40, reads + " gives " + difference);
    }
  }

  static List<String> clocks() {
    String narrow = "mov.u32 %v, REG; mov.u32 %t, REG; sub.u32 %v, %t, %v; cvt.u64.u32 %w, %v;";
    String wide = "mov.u64 %first, REG; mov.u64 %w, REG; sub.u64 %w, %w, %first;";
    return List.of(
        narrow.replace("REG", "%clock"),
        narrow.replace("REG", "%clock_hi"),
        narrow.replace("REG", "%globaltimer_lo"),
        narrow.replace("REG", "%globaltimer_hi"),
        wide.replace("REG", "%clock64"),
        wide.replace("REG", "%globaltimer"));
  }

  private static long[] read(VirtualGpu gpu, String text) {
    int threads = GRID[0] * GRID[1] * GRID[2] * BLOCK[0] * BLOCK[1] * BLOCK[2];
    LaunchShape shape =
        LaunchShape.of(1, 1)
            .withGrid(GRID[0], GRID[1], GRID[2])
            .withBlock(BLOCK[0], BLOCK[1], BLOCK[2])
            .withShared(DYNAMIC_SHARED);
    try (DeviceArray out = gpu.longs(new long[threads])) {
      gpu.load(KERNEL.replace("READ", text)).kernel("read").launch(shape, out);
      return out.toLongs();
    }
  }
}
