package io.diffuse4j.core.cuda.cudnn;

import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC;
import static org.bytedeco.cuda.global.cudnn.CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR;

import io.diffuse4j.core.cuda.cudnn.CudnnKernel.Operand;
import io.diffuse4j.core.op.ElementType;
import io.diffuse4j.core.op.Op;
import io.diffuse4j.core.op.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * Attention as cuDNN's one operation for it, {@code SDPA_FWD}, which it has since 9.13.1. Heads lie
 * side by side along the channels, by strides. f16 and bf16 only, without a mask: what the networks
 * that denoise need.
 */
final class CudnnAttention {
  /** The first version with the operation, as cudnnGetVersion numbers it. */
  private static final long FIRST_VERSION = 91301;

  /** cuDNN wants the channels of a head in 16-byte pieces. */
  private static final int PIECE = 8;

  private final CudnnGraph graph;
  private final Op.Attention op;
  private final List<Operand> operands = new ArrayList<>();

  CudnnAttention(CudnnGraph graph, Op.Attention op) {
    this.graph = graph;
    this.op = op;
  }

  static boolean takes(Op.Attention op, long version) {
    return version >= FIRST_VERSION
        && !op.causal()
        && op.query().type() != ElementType.F32
        && op.headDim() % PIECE == 0
        && isAligned(op.query())
        && isAligned(op.key())
        && isAligned(op.value())
        && isAligned(op.output());
  }

  private static boolean isAligned(Value value) {
    return value.channelOffset() % PIECE == 0 && value.rowStride() % PIECE == 0;
  }

  /** Adds the operation; returns the tensors with addresses. */
  List<Operand> build() {
    CudnnDescriptor operation =
        graph
            .make(CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR)
            .descriptor(CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC, heads(op.query(), 0))
            .descriptor(CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC, heads(op.key(), 1))
            .descriptor(CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC, heads(op.value(), 2))
            .descriptor(CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC, heads(op.output(), 3))
            .descriptor(CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC, graph.scalar());
    operands.add(new Operand(graph.last(), Operand.SCALE));
    graph.add(operation);
    return operands;
  }

  /** A value as [batch, heads, tokens, channels of a head]. */
  private CudnnDescriptor heads(Value value, int operand) {
    long row = value.rowStride();
    long channels = value.c() / op.heads();
    CudnnDescriptor tensor =
        graph.memory(
            CudnnTypes.of(value.type()),
            2L * PIECE,
            new long[] {value.n(), op.heads(), value.tokens(), channels},
            new long[] {value.tokens() * row, channels, row, 1});
    operands.add(new Operand(graph.last(), operand));
    return tensor;
  }
}
