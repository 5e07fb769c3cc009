package io.diffuse4j.junit;

import static io.diffuse4j.junit.Driver.*;
import static org.bytedeco.cuda.global.cudart.*;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.bytedeco.cuda.cudart.CUDA_MEMSET_NODE_PARAMS_v1;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUgraphExecUpdateResultInfo_v1;
import org.bytedeco.cuda.cudart.CUgraphExec_st;
import org.bytedeco.cuda.cudart.CUgraphNode_st;
import org.bytedeco.cuda.cudart.CUgraph_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.SizeTPointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Capturing streams, and graphs built by hand. */
@ExtendWith(VirtualGpuExtension.class)
class GraphTest {
  private static final int STREAM_CAPTURE_UNSUPPORTED = 900;
  private static final int STREAM_CAPTURE_INVALIDATED = 901;
  private static final int STREAM_CAPTURE_UNJOINED = 904;
  private static final int STREAM_CAPTURE_ISOLATION = 905;
  private static final int STREAM_CAPTURE_IMPLICIT = 906;
  private static final int GRAPH_EXEC_UPDATE_FAILURE = 910;
  private static final int TOPOLOGY_CHANGED = 2;

  private static final String INCREMENT =
      """
      extern "C" __global__ void axpy(float s, const float* x, float* y, int n) {
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i < n) y[i] += s * x[i];
      }
      """;

  @Test
  void capturedKernelsRunOncePerLaunchAndNotWhileCapturing(VirtualGpu gpu) {
    Kernel axpy = gpu.compile(INCREMENT).kernel("axpy");
    DeviceArray x = gpu.floats(1, 2, 3);
    DeviceArray y = gpu.floats(0, 0, 0);
    CUstream_st stream = stream(NON_BLOCKING);
    CUgraph_st graph = new CUgraph_st();
    ok(cuStreamBeginCapture(stream, 0));
    axpy.launch(stream, LaunchShape.of(1, 32), 1f, x, y, 3);
    axpy.launch(stream, LaunchShape.of(1, 32), 10f, x, y, 3);
    ok(cuStreamEndCapture(stream, graph));
    assertArrayEquals(new float[] {0, 0, 0}, y.toFloats());

    CUgraphExec_st executable = new CUgraphExec_st();
    ok(cuGraphInstantiate(executable, graph, 0));
    ok(cuGraphDestroy(graph));
    ok(cuGraphLaunch(executable, stream));
    ok(cuGraphLaunch(executable, stream));
    ok(cuStreamSynchronize(stream));
    assertArrayEquals(new float[] {22, 44, 66}, y.toFloats());
    ok(cuGraphExecDestroy(executable));
  }

  @Test
  @VirtualGpuSettings("schedule=reverse") // as far from the order of submission as edges allow
  void captureFollowsEventsAcrossStreams(VirtualGpu gpu) {
    CUstream_st first = stream(NON_BLOCKING);
    CUstream_st second = stream(NON_BLOCKING);
    CUevent_st forked = event();
    CUevent_st joined = event();
    long a = alloc(4);
    long b = alloc(4);
    CUgraph_st graph = new CUgraph_st();
    ok(cuStreamBeginCapture(first, 0));
    ok(cuMemsetD32Async(a, 5, 1, first));
    ok(cuEventRecord(forked, first));
    ok(cuStreamWaitEvent(second, forked, 0));
    ok(cuMemcpyDtoDAsync(b, a, 4, second));
    ok(cuEventRecord(joined, second));
    ok(cuStreamWaitEvent(first, joined, 0));
    ok(cuMemsetD32Async(a, 6, 1, first));
    ok(cuStreamEndCapture(first, graph));
    assertEquals(3, count(graph));

    launchOnce(graph, first);
    assertEquals(5, readInt(b));
    assertEquals(6, readInt(a));
    ok(cuMemFree(a));
    ok(cuMemFree(b));
  }

  @Test
  void unjoinedStreamBreaksTheCapture(VirtualGpu gpu) {
    CUstream_st first = stream(NON_BLOCKING);
    CUstream_st second = stream(NON_BLOCKING);
    CUevent_st forked = event();
    long a = alloc(4);
    ok(cuStreamBeginCapture(first, 0));
    ok(cuEventRecord(forked, first));
    ok(cuStreamWaitEvent(second, forked, 0));
    ok(cuMemsetD32Async(a, 5, 1, second));
    assertEquals(STREAM_CAPTURE_UNJOINED, cuStreamEndCapture(first, new CUgraph_st()));
    ok(cuMemsetD32Async(a, 1, 1, second)); // no longer capturing
    ok(cuStreamSynchronize(second));
    ok(cuMemFree(a));
  }

  @Test
  void synchronizingWhileCapturingInvalidatesTheCapture(VirtualGpu gpu) {
    CUstream_st stream = stream(NON_BLOCKING);
    ok(cuStreamBeginCapture(stream, 0));
    assertEquals(STREAM_CAPTURE_UNSUPPORTED, cuStreamSynchronize(stream));
    assertEquals(STREAM_CAPTURE_INVALIDATED, cuStreamEndCapture(stream, new CUgraph_st()));
  }

  @Test
  void allocatingDuringAGlobalCaptureIsRefused(VirtualGpu gpu) {
    CUstream_st stream = stream(NON_BLOCKING);
    ok(cuStreamBeginCapture(stream, 0));
    assertEquals(STREAM_CAPTURE_UNSUPPORTED, cuMemAlloc(new long[1], 16));
    assertEquals(STREAM_CAPTURE_INVALIDATED, cuStreamEndCapture(stream, new CUgraph_st()));
  }

  @Test
  void legacyStreamDuringACaptureOfABlockingStreamIsRefused(VirtualGpu gpu) {
    CUstream_st stream = stream(0);
    long a = alloc(4);
    ok(cuStreamBeginCapture(stream, 0));
    assertEquals(STREAM_CAPTURE_IMPLICIT, cuMemsetD32Async(a, 1, 1, null));
    assertEquals(STREAM_CAPTURE_INVALIDATED, cuStreamEndCapture(stream, new CUgraph_st()));
    ok(cuMemFree(a));
  }

  @Test
  void eventFromOutsideDoesNotEnterACapture(VirtualGpu gpu) {
    CUstream_st stream = stream(NON_BLOCKING);
    CUevent_st outside = event();
    ok(cuEventRecord(outside, stream));
    ok(cuStreamBeginCapture(stream, 0));
    assertEquals(STREAM_CAPTURE_ISOLATION, cuStreamWaitEvent(stream, outside, 0));
    assertEquals(STREAM_CAPTURE_INVALIDATED, cuStreamEndCapture(stream, new CUgraph_st()));
  }

  @Test
  @VirtualGpuSettings("schedule=reverse") // as far from the order of submission as edges allow
  void graphBuiltByHandFollowsItsEdges(VirtualGpu gpu) {
    long a = alloc(4);
    CUgraph_st graph = new CUgraph_st();
    ok(cuGraphCreate(graph, 0));
    CUgraphNode_st late = memset(gpu, graph, a, 2);
    CUgraphNode_st early = memset(gpu, graph, a, 1);
    ok(cuGraphAddDependencies(graph, early, late, null, 1));
    CUstream_st stream = stream(NON_BLOCKING);
    launchOnce(graph, stream);
    assertEquals(2, readInt(a));
    ok(cuMemFree(a));
  }

  @Test
  void cycleIsRefused(VirtualGpu gpu) {
    long a = alloc(4);
    CUgraph_st graph = new CUgraph_st();
    ok(cuGraphCreate(graph, 0));
    CUgraphNode_st one = memset(gpu, graph, a, 1);
    CUgraphNode_st two = memset(gpu, graph, a, 2);
    ok(cuGraphAddDependencies(graph, one, two, null, 1));
    ok(cuGraphAddDependencies(graph, two, one, null, 1));
    assertEquals(INVALID_VALUE, cuGraphInstantiate(new CUgraphExec_st(), graph, 0));
    ok(cuGraphDestroy(graph));
    ok(cuMemFree(a));
  }

  @Test
  void updateReplacesParametersAndRefusesAnotherShape(VirtualGpu gpu) {
    long a = alloc(4);
    CUstream_st stream = stream(NON_BLOCKING);
    CUgraph_st graph = new CUgraph_st();
    ok(cuGraphCreate(graph, 0));
    memset(gpu, graph, a, 1);
    CUgraphExec_st executable = new CUgraphExec_st();
    ok(cuGraphInstantiate(executable, graph, 0));
    CUgraph_st other = new CUgraph_st();
    ok(cuGraphCreate(other, 0));
    memset(gpu, other, a, 7);
    try (CUgraphExecUpdateResultInfo_v1 info = new CUgraphExecUpdateResultInfo_v1()) {
      ok(cuGraphExecUpdate(executable, other, info));
      ok(cuGraphLaunch(executable, stream));
      ok(cuStreamSynchronize(stream));
      assertEquals(7, readInt(a));
      memset(gpu, other, a, 8);
      assertEquals(GRAPH_EXEC_UPDATE_FAILURE, cuGraphExecUpdate(executable, other, info));
      assertEquals(TOPOLOGY_CHANGED, info.result());
    }
    ok(cuGraphExecDestroy(executable));
    ok(cuGraphDestroy(graph));
    ok(cuGraphDestroy(other));
    ok(cuMemFree(a));
  }

  @Test
  void nodeParametersOfAnExecutableGraphChangeWithoutTouchingTheGraph(VirtualGpu gpu) {
    long a = alloc(4);
    CUstream_st stream = stream(NON_BLOCKING);
    CUgraph_st graph = new CUgraph_st();
    ok(cuGraphCreate(graph, 0));
    CUgraphNode_st node = memset(gpu, graph, a, 1);
    CUgraphExec_st executable = new CUgraphExec_st();
    ok(cuGraphInstantiate(executable, graph, 0));
    try (CUDA_MEMSET_NODE_PARAMS_v1 changed = parameters(a, 3)) {
      ok(cuGraphExecMemsetNodeSetParams(executable, node, changed, gpu.context()));
      ok(cuGraphLaunch(executable, stream));
      ok(cuStreamSynchronize(stream));
      assertEquals(3, readInt(a));
      ok(cuGraphMemsetNodeGetParams(node, changed));
      assertEquals(1, changed.value());
    }
    ok(cuGraphExecDestroy(executable));
    ok(cuGraphDestroy(graph));
    ok(cuMemFree(a));
  }

  @Test
  void cloneIsIndependent(VirtualGpu gpu) {
    long a = alloc(4);
    CUgraph_st graph = new CUgraph_st();
    CUgraph_st clone = new CUgraph_st();
    ok(cuGraphCreate(graph, 0));
    memset(gpu, graph, a, 1);
    ok(cuGraphClone(clone, graph));
    ok(cuGraphDestroy(graph));
    assertEquals(1, count(clone));
    assertEquals(
        INVALID_HANDLE, cuGraphGetNodes(graph, (CUgraphNode_st) null, new SizeTPointer(1)));
    ok(cuGraphDestroy(clone));
    ok(cuMemFree(a));
  }

  private static CUDA_MEMSET_NODE_PARAMS_v1 parameters(long address, int value) {
    return new CUDA_MEMSET_NODE_PARAMS_v1()
        .dst(address)
        .value(value)
        .elementSize(4)
        .width(1)
        .height(1);
  }

  private static CUgraphNode_st memset(VirtualGpu gpu, CUgraph_st graph, long address, int value) {
    CUgraphNode_st node = new CUgraphNode_st();
    try (CUDA_MEMSET_NODE_PARAMS_v1 parameters = parameters(address, value)) {
      ok(cuGraphAddMemsetNode(node, graph, (CUgraphNode_st) null, 0, parameters, gpu.context()));
    }
    return node;
  }

  private static long count(CUgraph_st graph) {
    try (SizeTPointer count = new SizeTPointer(1)) {
      ok(cuGraphGetNodes(graph, (CUgraphNode_st) null, count));
      return count.get();
    }
  }

  private static void launchOnce(CUgraph_st graph, CUstream_st stream) {
    CUgraphExec_st executable = new CUgraphExec_st();
    ok(cuGraphInstantiate(executable, graph, 0));
    ok(cuGraphLaunch(executable, stream));
    ok(cuStreamSynchronize(stream));
    ok(cuGraphExecDestroy(executable));
    ok(cuGraphDestroy(graph));
  }
}
