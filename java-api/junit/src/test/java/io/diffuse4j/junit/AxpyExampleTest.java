package io.diffuse4j.junit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The complete example of the README: a kernel of one's own, its results, its counters, and under
 * all checkers without a further word.
 */
@ExtendWith(VirtualGpuExtension.class)
class AxpyExampleTest {
  private static final String AXPY =
      """
      extern "C" __global__ void axpy(float s, const float* x, float* y, int n) {
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i < n) y[i] += s * x[i];
      }
      """;

  @Test
  void addsScaledVector(VirtualGpu gpu) {
    int n = 1000;
    float[] x = new float[n];
    float[] y = new float[n];
    float[] expected = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = i;
      y[i] = 1;
      expected[i] = 1 + 2f * i;
    }
    DeviceArray deviceX = gpu.floats(x);
    DeviceArray deviceY = gpu.floats(y);

    Kernel axpy = gpu.compile(AXPY).kernel("axpy");
    axpy.launch(LaunchShape.covering(n, 128), 2f, deviceX, deviceY, n);

    assertArrayEquals(expected, deviceY.toFloats());
    // Every load and store of a warp is dense: no more sectors than the data has.
    var launch = gpu.lastLaunch();
    assertEquals(launch.counter("globalLoad.idealSectors"), launch.counter("globalLoad.sectors"));
    assertEquals(2L * 4 * n, launch.counter("globalLoad.bytes"));
  }
}
