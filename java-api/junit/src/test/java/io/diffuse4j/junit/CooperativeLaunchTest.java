package io.diffuse4j.junit;

import static io.diffuse4j.junit.Driver.*;
import static org.bytedeco.cuda.global.cudart.*;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.stream.Collectors;
import org.bytedeco.cuda.cudart.CUDA_KERNEL_NODE_PARAMS_v2;
import org.bytedeco.cuda.cudart.CUgraphExec_st;
import org.bytedeco.cuda.cudart.CUgraphNode_st;
import org.bytedeco.cuda.cudart.CUgraph_st;
import org.bytedeco.cuda.cudart.CUlaunchAttributeValue;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Kernels whose blocks wait for one another, launched as nodes of graphs. */
@ExtendWith(VirtualGpuExtension.class)
class CooperativeLaunchTest {
  private static final int COOPERATIVE = 2;
  private static final int PRIORITY = 8;
  private static final int COOPERATIVE_LAUNCH_TOO_LARGE = 720;
  private static final int BLOCKS = 5;
  private static final int THREADS = 96;

  /**
   * Every block writes a number and every thread then adds up all of them. Thread 0 alone waits:
   * the others know what it has learnt through the block's barrier.
   */
  private static final String SUM =
      """
      extern "C" __global__ void sum(unsigned* word, int* numbers, int* sums) {
        if (threadIdx.x == 0) numbers[blockIdx.x] = blockIdx.x + 1;
        __syncthreads();
        if (threadIdx.x == 0) {
          if (RELEASE) __threadfence();
          atomicAdd(word, 1u);
          unsigned arrived;
          do {
            asm volatile(LOAD ".global.u32 %0, [%1];" : "=r"(arrived) : "l"(word) : "memory");
            __nanosleep(32);
          } while (arrived < gridDim.x);
        }
        __syncthreads();
        int total = 0;
        for (int i = 0; i < gridDim.x; i++) total += numbers[i];
        sums[blockIdx.x * blockDim.x + threadIdx.x] = total;
      }
      """;

  private static Kernel sum(VirtualGpu gpu, boolean release, boolean acquire) {
    return gpu.compile(
            SUM,
            "-DRELEASE=" + (release ? 1 : 0),
            "-DLOAD=\"ld." + (acquire ? "acquire" : "relaxed") + ".gpu\"")
        .kernel("sum");
  }

  @Test
  void aNodeBecomesCooperativeByItsAttribute(VirtualGpu gpu) {
    assertArrayEquals(expected(), run(gpu, sum(gpu, true, true)));
  }

  @Test
  @VirtualGpuSettings(value = "schedule=random:3", failOnDiagnostics = false)
  void withoutReleaseTheSumIsARace(VirtualGpu gpu) {
    run(gpu, sum(gpu, false, true));
    assertEquals("[RACECHECK]", kinds(gpu));
  }

  @Test
  @VirtualGpuSettings(value = "schedule=random:3", failOnDiagnostics = false)
  void withoutAcquireTheSumIsARace(VirtualGpu gpu) {
    run(gpu, sum(gpu, true, false));
    assertEquals("[RACECHECK]", kinds(gpu));
  }

  @Test
  void moreBlocksThanTheDeviceHoldsAreRefused(VirtualGpu gpu) {
    Kernel sum = sum(gpu, true, true);
    CUgraph_st graph = new CUgraph_st();
    ok(cuGraphCreate(graph, 0));
    try (CUlaunchAttributeValue value = new CUlaunchAttributeValue()) {
      CUgraphNode_st node = node(graph, sum, 1 << 20, 0, 0, 0);
      value.cooperative(1);
      assertEquals(
          COOPERATIVE_LAUNCH_TOO_LARGE, cuGraphKernelNodeSetAttribute(node, COOPERATIVE, value));
      assertEquals(NOT_SUPPORTED, cuGraphKernelNodeSetAttribute(node, PRIORITY, value));
      ok(cuGraphKernelNodeGetAttribute(node, COOPERATIVE, value));
      assertEquals(0, value.cooperative());
    }
    ok(cuGraphDestroy(graph));
  }

  private static String kinds(VirtualGpu gpu) {
    return gpu.diagnostics().stream().map(d -> d.kind()).collect(Collectors.toSet()).toString();
  }

  private static int[] expected() {
    int[] sums = new int[BLOCKS * THREADS];
    Arrays.fill(sums, BLOCKS * (BLOCKS + 1) / 2);
    return sums;
  }

  private static int[] run(VirtualGpu gpu, Kernel sum) {
    DeviceArray word = gpu.ints(0);
    DeviceArray numbers = gpu.allocate(4 * BLOCKS);
    DeviceArray sums = gpu.allocate(4 * BLOCKS * THREADS);
    CUstream_st stream = stream(NON_BLOCKING);
    CUgraph_st graph = new CUgraph_st();
    CUgraphExec_st executable = new CUgraphExec_st();
    ok(cuGraphCreate(graph, 0));
    try (CUlaunchAttributeValue value = new CUlaunchAttributeValue()) {
      CUgraphNode_st node =
          node(graph, sum, BLOCKS, word.address(), numbers.address(), sums.address());
      value.cooperative(1);
      ok(cuGraphKernelNodeSetAttribute(node, COOPERATIVE, value));
      value.cooperative(0);
      ok(cuGraphKernelNodeGetAttribute(node, COOPERATIVE, value));
      assertEquals(1, value.cooperative());
    }
    ok(cuGraphInstantiate(executable, graph, 0));
    ok(cuGraphLaunch(executable, stream));
    ok(cuStreamSynchronize(stream));
    ok(cuGraphExecDestroy(executable));
    ok(cuGraphDestroy(graph));
    return sums.toInts();
  }

  private static CUgraphNode_st node(CUgraph_st graph, Kernel kernel, int blocks, long... values) {
    CUgraphNode_st node = new CUgraphNode_st();
    try (CUDA_KERNEL_NODE_PARAMS_v2 parameters = new CUDA_KERNEL_NODE_PARAMS_v2();
        LongPointer memory = new LongPointer(values);
        PointerPointer<Pointer> pointers = new PointerPointer<>(values.length)) {
      for (int i = 0; i < values.length; i++) {
        pointers.put(i, memory.getPointer(i));
      }
      parameters.func(kernel.function()).kernelParams(pointers).extra(null).kern(null).ctx(null);
      parameters.gridDimX(blocks).gridDimY(1).gridDimZ(1);
      parameters.blockDimX(THREADS).blockDimY(1).blockDimZ(1).sharedMemBytes(0);
      ok(cuGraphAddKernelNode(node, graph, (CUgraphNode_st) null, 0, parameters));
    }
    return node;
  }
}
