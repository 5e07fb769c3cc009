package io.diffuse4j.core.cuda;

import static org.bytedeco.cuda.global.cudart.cuGraphAddChildGraphNode;
import static org.bytedeco.cuda.global.cudart.cuGraphAddKernelNode;
import static org.bytedeco.cuda.global.cudart.cuGraphCreate;
import static org.bytedeco.cuda.global.cudart.cuGraphDestroy;
import static org.bytedeco.cuda.global.cudart.cuGraphExecDestroy;
import static org.bytedeco.cuda.global.cudart.cuGraphInstantiate;
import static org.bytedeco.cuda.global.cudart.cuGraphKernelNodeSetAttribute;

import io.diffuse4j.core.op.MemoryView;
import java.util.List;
import java.util.function.ToIntFunction;
import org.bytedeco.cuda.cudart.CUDA_KERNEL_NODE_PARAMS_v2;
import org.bytedeco.cuda.cudart.CUgraphExec_st;
import org.bytedeco.cuda.cudart.CUgraphNode_st;
import org.bytedeco.cuda.cudart.CUgraph_st;
import org.bytedeco.cuda.cudart.CUlaunchAttributeValue;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * The launches of programs, one after the other, as an executable CUDA graph. Built node by node
 * and not captured: other threads use the stream meanwhile. Foreign work is a child graph.
 */
final class CudaGraph implements AutoCloseable {
  /** CU_LAUNCH_ATTRIBUTE_COOPERATIVE. */
  static final int COOPERATIVE = 2;

  private final CudaContext context;
  private final CUgraphExec_st executable = new CUgraphExec_st();
  private final int nodes;
  private boolean closed;

  CudaGraph(CudaContext context, List<CudaProgram> programs) {
    this(context, graph -> addNodes(graph, programs));
  }

  /** Foreign work alone, to measure it. */
  CudaGraph(CudaContext context, CapturedGraph foreign) {
    this(
        context,
        graph -> {
          addChild(graph, null, foreign);
          return 1;
        });
  }

  private CudaGraph(CudaContext context, ToIntFunction<CUgraph_st> fill) {
    this.context = context;
    context.bind();
    CUgraph_st graph = new CUgraph_st();
    CudaDriver.check("cuGraphCreate", cuGraphCreate(graph, 0));
    try {
      nodes = fill.applyAsInt(graph);
      CudaDriver.check("cuGraphInstantiate", cuGraphInstantiate(executable, graph, 0));
    } finally {
      CudaDriver.check("cuGraphDestroy", cuGraphDestroy(graph));
    }
  }

  private static int addNodes(CUgraph_st graph, List<CudaProgram> programs) {
    int count = 0;
    CUgraphNode_st previous = null;
    for (CudaProgram program : programs) {
      List<CudaProgram.Launch> launches = program.launches();
      for (int i = 0; i <= launches.size(); i++) {
        for (CapturedGraph foreign : program.foreignBefore(i)) {
          previous = addChild(graph, previous, foreign);
          count++;
        }
        if (i < launches.size()) {
          previous = addKernel(graph, previous, launches.get(i));
          count++;
        }
      }
    }
    return count;
  }

  private static CUgraphNode_st addKernel(
      CUgraph_st graph, CUgraphNode_st previous, CudaProgram.Launch launch) {
    CUgraphNode_st added = new CUgraphNode_st();
    try (CUDA_KERNEL_NODE_PARAMS_v2 node = new CUDA_KERNEL_NODE_PARAMS_v2();
        CUlaunchAttributeValue yes = new CUlaunchAttributeValue();
        PointerPointer<Pointer> arguments = new PointerPointer<>(1)) {
      node.func(launch.function());
      node.gridDimX(launch.gridX()).gridDimY(launch.gridY()).gridDimZ(launch.gridZ());
      node.blockDimX(launch.threads()).blockDimY(1).blockDimZ(1);
      node.sharedMemBytes(launch.sharedBytes());
      arguments.put(0, new MemoryView(launch.params()));
      node.kernelParams(arguments).extra(null).kern(null).ctx(null);
      CudaDriver.check(
          "cuGraphAddKernelNode",
          cuGraphAddKernelNode(added, graph, previous, previous == null ? 0 : 1, node));
      if (launch.cooperative()) {
        yes.cooperative(1);
        CudaDriver.check(
            "cuGraphKernelNodeSetAttribute",
            cuGraphKernelNodeSetAttribute(added, COOPERATIVE, yes));
      }
    }
    return added;
  }

  private static CUgraphNode_st addChild(
      CUgraph_st graph, CUgraphNode_st previous, CapturedGraph foreign) {
    CUgraphNode_st added = new CUgraphNode_st();
    CudaDriver.check(
        "cuGraphAddChildGraphNode",
        cuGraphAddChildGraphNode(
            added, graph, previous, previous == null ? 0 : 1, foreign.handle()));
    return added;
  }

  CUgraphExec_st handle() {
    return executable;
  }

  /** Kernel launches of one run; foreign work counts as one. */
  int nodes() {
    return nodes;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      context.bind();
      CudaDriver.check("cuGraphExecDestroy", cuGraphExecDestroy(executable));
    }
  }
}
