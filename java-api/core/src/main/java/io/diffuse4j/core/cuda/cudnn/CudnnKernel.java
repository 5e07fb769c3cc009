package io.diffuse4j.core.cuda.cudnn;

import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_VARIANT_PACK_WORKSPACE;
import static org.bytedeco.cuda.global.cudnn.CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR;
import static org.bytedeco.cuda.global.cudnn.cudnnBackendExecute;
import static org.bytedeco.cuda.global.cudnn.cudnnSetStream;

import io.diffuse4j.core.cuda.ForeignKernel;
import java.util.List;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.cudnn.cudnnContext;
import org.bytedeco.javacpp.FloatPointer;

/** An execution plan of cuDNN, with the tensors whose addresses it wants. */
final class CudnnKernel implements ForeignKernel {
  private final cudnnContext library;
  private final CudnnGraph graph;
  private final CudnnDescriptor plan;
  private final List<Operand> operands;
  private final FloatPointer scale;

  /**
   * A tensor of the plan.
   *
   * @param tensor its number
   * @param operand which of the op's addresses it has; {@link #SCALE} for the op's scale
   */
  record Operand(int tensor, int operand) {
    static final int SCALE = -1;
  }

  /**
   * Owns graph and plan.
   *
   * @param library also the lock of all calls that use it
   * @param scale of the op
   */
  CudnnKernel(
      cudnnContext library,
      CudnnGraph graph,
      CudnnDescriptor plan,
      List<Operand> operands,
      float scale) {
    this.library = library;
    this.graph = graph;
    this.plan = plan;
    this.operands = List.copyOf(operands);
    this.scale = new FloatPointer(new float[] {scale});
  }

  @Override
  public long workspaceBytes() {
    synchronized (library) {
      return plan.integer(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
    }
  }

  @Override
  public void enqueue(CUstream_st stream, long[] addresses, long workspace) {
    long[] tensors = new long[operands.size()];
    long[] pointers = new long[operands.size()];
    for (int i = 0; i < tensors.length; i++) {
      Operand operand = operands.get(i);
      tensors[i] = operand.tensor;
      pointers[i] = operand.operand == Operand.SCALE ? scale.address() : addresses[operand.operand];
    }
    synchronized (library) {
      try (CudnnDescriptor pack = new CudnnDescriptor(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR)) {
        pack.addresses(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, pointers)
            .integers(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, tensors)
            .addresses(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, workspace)
            .finish();
        CudnnStatus.check("cudnnSetStream", cudnnSetStream(library, stream));
        CudnnStatus.check(
            "cudnnBackendExecute", cudnnBackendExecute(library, plan.handle(), pack.handle()));
      }
    }
  }

  @Override
  public void close() {
    synchronized (library) {
      plan.close();
      graph.close();
      scale.close();
    }
  }
}
