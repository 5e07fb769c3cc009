package io.diffuse4j.junit;

import static org.bytedeco.cuda.global.cudart.cuCtxCreate;
import static org.bytedeco.cuda.global.cudart.cuCtxDestroy;
import static org.bytedeco.cuda.global.cudart.cuCtxSynchronize;
import static org.bytedeco.cuda.global.cudart.cuLaunchKernel;
import static org.bytedeco.cuda.global.cudart.cuModuleGetFunction;
import static org.bytedeco.cuda.global.cudart.cuModuleLoadData;
import static org.bytedeco.cuda.global.cudart.cuModuleUnload;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.bytedeco.cuda.cudart.CUctx_st;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Damaged code and senseless launches give an error, never the end of the JVM. */
@ExtendWith(VirtualGpuExtension.class)
class FuzzTest {
  private static final String SOURCE =
      """
      __device__ __noinline__ float square(float x) { return x * x; }
      __constant__ float scale[4] = {1, 2, 3, 4};
      extern "C" __global__ void mixed(float s, const float* x, float* y, int n) {
        __shared__ float tile[64];
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        tile[threadIdx.x & 63] = i < n ? x[i] : 0;
        __syncthreads();
        if (i < n) y[i] = square(tile[63 - (threadIdx.x & 63)]) * s + scale[i & 3];
        if (i == 0) atomicAdd(y, __shfl_xor_sync(0xffffffffu, s, 1));
      }
      """;

  /** What loading may say: success or one of the errors for bad code. */
  private static final Set<Integer> LOAD_RESULTS = Set.of(0, 2, 200, 209, 218, 222, 801);

  @Test
  void damagedPtxIsRefusedOrLoadsButNeverCrashes(VirtualGpu gpu) {
    byte[] ptx = gpu.compile(SOURCE).ptx().getBytes(StandardCharsets.UTF_8);
    Random random = new Random(42);
    Set<Integer> seen = new TreeSet<>();
    for (int i = 0; i < 3000; i++) {
      byte[] damaged = damage(ptx, random);
      CUmod_st module = new CUmod_st();
      try (BytePointer image = new BytePointer(damaged)) {
        int result = cuModuleLoadData(module, image);
        assertTrue(LOAD_RESULTS.contains(result), "result " + result);
        seen.add(result);
        if (result == 0) {
          Driver.ok(cuModuleUnload(module));
        }
      }
    }
    assertTrue(seen.contains(0) && seen.contains(218), seen.toString());
  }

  @Test
  @VirtualGpuSettings(value = "limit=200000", failOnDiagnostics = false)
  void senselessLaunchesAreRefusedOrReported(VirtualGpu gpu) {
    BytePointer ptx = new BytePointer(gpu.compile(SOURCE).ptx());
    Random random = new Random(43);
    Set<Integer> ends = new TreeSet<>();
    for (int i = 0; i < 500; i++) {
      // A context of its own: a kernel that faults takes its context with it.
      CUctx_st context = new CUctx_st();
      Driver.ok(cuCtxCreate(context, null, 0, 0));
      ends.add(launch(ptx, random));
      Driver.ok(cuCtxDestroy(context));
      gpu.driver().clearDiagnostics();
    }
    assertTrue(ends.containsAll(Set.of(0, Driver.INVALID_VALUE)), ends.toString());
    assertTrue(gpu.driver().allocations().isEmpty());
  }

  /** Launches with random sizes and arguments; what the launch or the wait after it returned. */
  private static int launch(BytePointer ptx, Random random) {
    CUmod_st module = new CUmod_st();
    Driver.ok(cuModuleLoadData(module, ptx));
    CUfunc_st kernel = new CUfunc_st();
    Driver.ok(cuModuleGetFunction(kernel, module, "mixed"));
    long x = Driver.alloc(256);
    long y = Driver.alloc(256);
    try (FloatPointer scale = new FloatPointer(1).put(random.nextFloat());
        LongPointer in = new LongPointer(1).put(address(random, x));
        LongPointer out = new LongPointer(1).put(address(random, y));
        IntPointer n = new IntPointer(1).put(random.nextInt(200) - 20);
        PointerPointer<Pointer> arguments = new PointerPointer<>(4)) {
      arguments.put(0, scale).put(1, in).put(2, random.nextInt(20) == 0 ? null : out).put(3, n);
      int result =
          cuLaunchKernel(
              kernel,
              size(random),
              size(random),
              size(random),
              size(random),
              size(random),
              size(random),
              random.nextInt(10) == 0 ? random.nextInt() : random.nextInt(4096),
              null,
              arguments,
              null);
      assertTrue(result == 0 || result == 1 || result == 701, "result " + result);
      int end = result == 0 ? cuCtxSynchronize() : result;
      assertTrue(Set.of(0, 1, 700, 701, 702, 716, 719).contains(end), "end " + end);
      return end;
    }
  }

  private static long address(Random random, long good) {
    return switch (random.nextInt(5)) {
      case 0 -> random.nextLong();
      case 1 -> 0;
      case 2 -> good + random.nextInt(600) - 300;
      default -> good;
    };
  }

  private static int size(Random random) {
    return switch (random.nextInt(12)) {
      case 0 -> 0;
      case 1 -> random.nextInt();
      case 2 -> 33;
      default -> 1 + random.nextInt(2);
    };
  }

  private static byte[] damage(byte[] original, Random random) {
    byte[] bytes = original.clone();
    int changes = 1 + random.nextInt(4);
    for (int i = 0; i < changes; i++) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(5)) {
        case 0 -> bytes[at] = (byte) (1 + random.nextInt(255));
        case 1 -> bytes[at] = bytes[random.nextInt(bytes.length)];
        case 2 -> bytes = java.util.Arrays.copyOf(bytes, at + 1);
        case 3 -> { // a stretch moves
          int length = Math.min(random.nextInt(40), bytes.length - at);
          int to = random.nextInt(bytes.length - length + 1);
          System.arraycopy(bytes, at, bytes, to, length);
        }
        default -> { // a digit grows
          if (Character.isDigit(bytes[at])) {
            bytes[at] = '9';
          }
        }
      }
    }
    return bytes;
  }
}
