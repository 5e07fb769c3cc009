package io.diffuse4j.junit;

import static io.diffuse4j.junit.Driver.ok;
import static org.bytedeco.cuda.global.cudart.cuDeviceGetAttribute;
import static org.bytedeco.cuda.global.cudart.cuOccupancyMaxActiveBlocksPerMultiprocessor;
import static org.bytedeco.cuda.global.cudart.cuOccupancyMaxPotentialBlockSize;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.natives.VirtualGpuLaunch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Occupancy and modelled time, against numbers worked out by hand. */
@ExtendWith(VirtualGpuExtension.class)
class OccupancyAndTimeTest {
  private static final String SCALE =
      """
      extern "C" __global__ void scale(float* x, float s) {
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        x[i] = x[i] * s;
      }
      """;

  private static final int MULTIPROCESSOR_COUNT = 16;
  private static final int MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97;

  @Test
  void threadsLimitSmallKernels(VirtualGpu gpu) {
    // A100: 2048 threads an SM, but no more than 32 blocks.
    Kernel scale = gpu.compile(SCALE).kernel("scale");
    assertEquals(32, blocks(scale, 32, 0));
    assertEquals(8, blocks(scale, 256, 0));
    assertEquals(2, blocks(scale, 1024, 0));
    int[] grid = new int[1];
    int[] block = new int[1];
    ok(cuOccupancyMaxPotentialBlockSize(grid, block, scale.function(), null, 0, 0));
    assertEquals(1024, block[0]);
    assertEquals(2 * 108, grid[0]);
  }

  @Test
  void sharedMemoryLimitsWhatItMust(VirtualGpu gpu) {
    // 164 KiB an SM; each block takes what it asks for, rounded up to 128 bytes, and 1 KiB more.
    Kernel scale = gpu.compile(SCALE).kernel("scale");
    assertEquals(4, blocks(scale, 32, 40 * 1024));
    assertEquals(3, blocks(scale, 32, 40 * 1024 + 1));
    assertEquals(1, blocks(scale, 32, 163 * 1024));
    assertEquals(0, blocks(scale, 32, 163 * 1024 + 1));
  }

  @Test
  void launchBoundsLimitTheRegistersThatACompilerTakes(VirtualGpu gpu) {
    String source =
        """
        extern "C" __global__ void __launch_bounds__(128%s) keep(float* x) {
          float kept[200];
          for (int i = 0; i < 200; i++) kept[i] = x[i * 128 + threadIdx.x];
          __syncthreads();
          for (int i = 0; i < 200; i++) x[i * 128 + threadIdx.x] = kept[199 - i];
        }
        """;
    // 200 and some registers: two warps for each of the four parts of an SM's register file.
    assertEquals(2, blocks(gpu.compile(source.formatted("")).kernel("keep"), 128, 0));
    assertEquals(3, blocks(gpu.compile(source.formatted(", 3")).kernel("keep"), 128, 0));
  }

  @Test
  @VirtualGpuSettings("profile=rtx4090")
  void profileGivesTheSizes(VirtualGpu gpu) {
    int[] value = new int[1];
    ok(cuDeviceGetAttribute(value, MULTIPROCESSOR_COUNT, 0));
    assertEquals(128, value[0]);
    ok(cuDeviceGetAttribute(value, MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 0));
    assertEquals(99 * 1024, value[0]);
    // 1536 threads an SM.
    assertEquals(1, blocks(gpu.compile(SCALE).kernel("scale"), 1024, 0));
  }

  @Test
  @VirtualGpuSettings("check=none")
  void streamingKernelIsBoundByDram(VirtualGpu gpu) {
    int n = 108 * 8 * 256 * 8; // whole waves
    DeviceArray x = gpu.allocate(4L * n).set(new float[n]);
    gpu.compile(SCALE).kernel("scale").launch(LaunchShape.covering(n, 256), x, 2f);
    VirtualGpuLaunch launch = gpu.lastLaunch();
    assertEquals("dram", launch.bound());
    assertEquals(8, launch.waves());
    // Read once and written once over 2.039 TB/s; then the launch's 2 us.
    double dram = 2 * 4.0 * n / 2039;
    assertEquals(dram, launch.nanoseconds().get("dram"), 1e-6 * dram);
    assertEquals(dram + 2000, launch.nanoseconds().get("total"), 1e-6 * dram);
    // Each sector crosses the L2 twice: 5120 bytes a clock at 1.41 GHz.
    double l2 = 2 * 4.0 * n / (5120 * 1.41);
    assertEquals(l2, launch.nanoseconds().get("l2"), 1e-6 * l2);
  }

  @Test
  @VirtualGpuSettings("check=none")
  void oneBlockMoreThanTheSmsTakesTwiceAsLongToIssue(VirtualGpu gpu) {
    Kernel scale = gpu.compile(SCALE).kernel("scale");
    DeviceArray x = gpu.allocate(4L * 109 * 1024).set(new float[109 * 1024]);
    scale.launch(LaunchShape.of(108, 1024), x, 2f);
    double even = gpu.lastLaunch().nanoseconds().get("issue");
    scale.launch(LaunchShape.of(109, 1024), x, 2f);
    assertEquals(2 * even, gpu.lastLaunch().nanoseconds().get("issue"), 1e-9 * even);
    assertTrue(even > 0);
  }

  private static int blocks(Kernel kernel, int threads, long sharedBytes) {
    int[] blocks = new int[1];
    ok(
        cuOccupancyMaxActiveBlocksPerMultiprocessor(
            blocks, kernel.function(), threads, sharedBytes));
    return blocks[0];
  }
}
