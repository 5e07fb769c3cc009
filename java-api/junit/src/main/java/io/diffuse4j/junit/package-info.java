/**
 * Tests of CUDA kernels on any machine: a JUnit 5 extension that compiles a kernel with NVRTC, runs
 * it on the virtual GPU under all of its checkers, and fails the test if they find something.
 *
 * <pre>{@code
 * @ExtendWith(VirtualGpuExtension.class)
 * class AxpyTest {
 *   @Test
 *   void addsScaledVector(VirtualGpu gpu) {
 *     KernelModule module = gpu.compile("""
 *         extern "C" __global__ void axpy(float s, const float* x, float* y, int n) {
 *           int i = blockIdx.x * blockDim.x + threadIdx.x;
 *           if (i < n) y[i] += s * x[i];
 *         }
 *         """);
 *     DeviceArray x = gpu.floats(1, 2, 3);
 *     DeviceArray y = gpu.floats(10, 20, 30);
 *     module.kernel("axpy").launch(LaunchShape.of(1, 32), 2f, x, y, 3);
 *     assertArrayEquals(new float[] {12, 24, 36}, y.toFloats());
 *   }
 * }
 * }</pre>
 */
package io.diffuse4j.junit;
