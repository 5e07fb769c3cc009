package io.diffuse4j.junit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Arrays;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** CUB, cooperative groups and libcu++ as NVRTC brings them, under all checkers. */
@ExtendWith(VirtualGpuExtension.class)
class IndependentCodeTest {
  private static final int THREADS = 128;
  private static final int ITEMS = 4;
  private static final int WARP = 32;
  private static final int TILE = 8;
  private static final int[] IN = new Random(11).ints(THREADS * ITEMS, -999, 1000).toArray();

  @Test
  void cubScansABlock(VirtualGpu gpu) {
    int[] sums = IN.clone();
    Arrays.parallelPrefix(sums, Integer::sum);
    assertArrayEquals(sums, run(gpu, "block_scan", THREADS * ITEMS));
  }

  @Test
  void cubReducesABlock(VirtualGpu gpu) {
    int sum = Arrays.stream(IN, 0, THREADS).sum();
    assertArrayEquals(new int[] {sum}, run(gpu, "block_reduce", 1));
  }

  @Test
  void cubSortsABlockByRadix(VirtualGpu gpu) {
    int[] sorted = IN.clone();
    Arrays.sort(sorted);
    assertArrayEquals(sorted, run(gpu, "radix_sort", THREADS * ITEMS));
  }

  @Test
  void cubScansEachWarp(VirtualGpu gpu) {
    int[] sums = threads(t -> Arrays.stream(IN, t / WARP * WARP, t).sum());
    assertArrayEquals(sums, run(gpu, "warp_scan", THREADS));
  }

  @Test
  void coalescedThreadsNumberThemselves(VirtualGpu gpu) {
    int[] ranks =
        threads(
            t -> {
              int first = t / WARP * WARP;
              int before = (int) Arrays.stream(IN, first, t).filter(v -> (v & 1) == 1).count();
              int all =
                  (int) Arrays.stream(IN, first, first + WARP).filter(v -> (v & 1) == 1).count();
              return (IN[t] & 1) == 1 ? before + 100 * all : -1;
            });
    assertArrayEquals(ranks, run(gpu, "odd_ranks", THREADS));
  }

  @Test
  void tilesOfAWarpReduceSideBySide(VirtualGpu gpu) {
    int[] sums = threads(t -> Arrays.stream(IN, t / TILE * TILE, t / TILE * TILE + TILE).sum());
    assertArrayEquals(sums, run(gpu, "tile_sums", THREADS));
  }

  @Test
  void libcudacxxAtomicsCountEveryThread(VirtualGpu gpu) {
    int[] bins = new int[8];
    int largest = Integer.MIN_VALUE;
    for (int t = 0; t < THREADS; t++) {
      bins[IN[t] & 7]++;
      largest = Math.max(largest, IN[t]);
    }
    DeviceArray counted = gpu.ints(new int[bins.length]);
    DeviceArray top = gpu.ints(Integer.MIN_VALUE);
    gpu.compileResource(IndependentCodeTest.class, "independent.cu")
        .kernel("atomic_histogram")
        .launch(LaunchShape.of(1, THREADS), gpu.ints(IN), counted, top);
    assertArrayEquals(bins, counted.toInts());
    assertArrayEquals(new int[] {largest}, top.toInts());
  }

  private static int[] run(VirtualGpu gpu, String kernel, int results) {
    DeviceArray out = gpu.allocate(4L * results);
    gpu.compileResource(IndependentCodeTest.class, "independent.cu")
        .kernel(kernel)
        .launch(LaunchShape.of(1, THREADS), gpu.ints(IN), out);
    return out.toInts();
  }

  private static int[] threads(IntUnaryOperator value) {
    int[] values = new int[THREADS];
    Arrays.setAll(values, value);
    return values;
  }
}
