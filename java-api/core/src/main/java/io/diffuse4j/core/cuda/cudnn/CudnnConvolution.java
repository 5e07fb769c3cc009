package io.diffuse4j.core.cuda.cudnn;

import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_CONVOLUTION_COMP_TYPE;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_CONVOLUTION_CONV_MODE;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_CONVOLUTION_DILATIONS;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_CONVOLUTION_POST_PADDINGS;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_OPERATION_POINTWISE_BDESC;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_OPERATION_POINTWISE_XDESC;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_OPERATION_POINTWISE_YDESC;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_POINTWISE_MATH_PREC;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_POINTWISE_MODE;
import static org.bytedeco.cuda.global.cudnn.CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR;
import static org.bytedeco.cuda.global.cudnn.CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR;
import static org.bytedeco.cuda.global.cudnn.CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR;
import static org.bytedeco.cuda.global.cudnn.CUDNN_BACKEND_POINTWISE_DESCRIPTOR;
import static org.bytedeco.cuda.global.cudnn.CUDNN_CROSS_CORRELATION;
import static org.bytedeco.cuda.global.cudnn.CUDNN_DATA_FLOAT;
import static org.bytedeco.cuda.global.cudnn.CUDNN_POINTWISE_ADD;
import static org.bytedeco.cuda.global.cudnn.CUDNN_POINTWISE_MUL;
import static org.bytedeco.cuda.global.cudnn.CUDNN_POINTWISE_SWISH_FWD;
import static org.bytedeco.cuda.global.cudnn.CUDNN_TYPE_CONVOLUTION_MODE;
import static org.bytedeco.cuda.global.cudnn.CUDNN_TYPE_DATA_TYPE;
import static org.bytedeco.cuda.global.cudnn.CUDNN_TYPE_POINTWISE_MODE;

import io.diffuse4j.core.cuda.cudnn.CudnnKernel.Operand;
import io.diffuse4j.core.op.Activation;
import io.diffuse4j.core.op.Op;
import io.diffuse4j.core.op.Value;
import java.util.ArrayList;
import java.util.List;

/**
 * A convolution and what is fused into it, as operations of cuDNN: the product, then one pointwise
 * operation each for bias, embedding, residual, scale and SiLU, with f32 between them. Activations
 * are NHWC and filters KRSC, by their strides.
 */
final class CudnnConvolution {
  /** Of whole values and filters: the arena aligns them to 256 bytes, and cuDNN asks for 16. */
  private static final long ALIGNMENT = 16;

  private static final int SOURCE = 0;
  private static final int FILTER = 1;
  private static final int BIAS = 2;
  private static final int EMBEDDING = 3;
  private static final int RESIDUAL = 4;
  private static final int OUTPUT = 5;

  private final CudnnGraph graph;
  private final Op.Conv2d op;
  private final long[] outputDims;
  private final long[] outputStrides;
  private final List<Operand> operands = new ArrayList<>();

  /** What is still to be applied to {@link #current}. */
  private int pointwiseLeft;

  private CudnnDescriptor current;

  CudnnConvolution(CudnnGraph graph, Op.Conv2d op) {
    this.graph = graph;
    this.op = op;
    outputDims = dims(op.output());
    outputStrides = strides(op.output());
  }

  /** Whether the activation is one of those that this applies. */
  static boolean takes(Op.Conv2d op) {
    return op.activation() == Activation.NONE || op.activation() == Activation.SILU;
  }

  private static long[] dims(Value value) {
    return new long[] {value.n(), value.c(), value.h(), value.w()};
  }

  /** Of NHWC, in the order of {@link #dims}. */
  private static long[] strides(Value value) {
    long row = value.rowStride();
    return new long[] {(long) value.tokens() * row, 1, value.w() * row, row};
  }

  /** Adds the operations; returns the tensors with addresses. */
  List<Operand> build() {
    boolean scaled = op.outputScale() != 1;
    boolean silu = op.activation() == Activation.SILU;
    pointwiseLeft =
        (op.bias() == null ? 0 : 1)
            + (op.embedding() == null ? 0 : 1)
            + (op.residual() == null ? 0 : 1)
            + (scaled ? 1 : 0)
            + (silu ? 1 : 0);
    convolve();
    if (op.bias() != null) {
      long k = op.output().c();
      long[] dims = {1, k, 1, 1};
      long[] strides = {k, 1, k, k};
      pointwise(CUDNN_POINTWISE_ADD, rows(dims, strides, BIAS));
    }
    if (op.embedding() != null) {
      long row = op.embedding().rowStride();
      long[] dims = {op.output().n(), op.output().c(), 1, 1};
      long[] strides = {row, 1, row, row};
      pointwise(CUDNN_POINTWISE_ADD, rows(dims, strides, EMBEDDING));
    }
    if (op.residual() != null) {
      pointwise(CUDNN_POINTWISE_ADD, value(op.residual(), outputDims, RESIDUAL));
    }
    if (scaled) {
      CudnnDescriptor scale = graph.scalar();
      operands.add(new Operand(graph.last(), Operand.SCALE));
      pointwise(CUDNN_POINTWISE_MUL, scale);
    }
    if (silu) {
      pointwise(CUDNN_POINTWISE_SWISH_FWD, null);
    }
    return operands;
  }

  private CudnnDescriptor value(Value value, long[] dims, int operand) {
    CudnnDescriptor tensor =
        graph.memory(CudnnTypes.of(value.type()), ALIGNMENT, dims, strides(value));
    operands.add(new Operand(graph.last(), operand));
    return tensor;
  }

  /** In f32; a slice may begin at any element. */
  private CudnnDescriptor rows(long[] dims, long[] strides, int operand) {
    CudnnDescriptor tensor = graph.memory(CUDNN_DATA_FLOAT, Float.BYTES, dims, strides);
    operands.add(new Operand(graph.last(), operand));
    return tensor;
  }

  /** What the next operation writes: memory if it is the last. */
  private CudnnDescriptor target() {
    return pointwiseLeft == 0
        ? value(op.output(), outputDims, OUTPUT)
        : graph.between(outputDims, outputStrides);
  }

  private void convolve() {
    Value x = op.source();
    long height = op.weight().kernelH();
    long width = op.weight().kernelW();
    CudnnDescriptor source = value(x, dims(x), SOURCE);
    CudnnDescriptor filter =
        graph.memory(
            CudnnTypes.of(x.type()),
            ALIGNMENT,
            new long[] {op.output().c(), x.c(), height, width},
            new long[] {height * width * x.c(), 1, width * x.c(), x.c()});
    operands.add(new Operand(graph.last(), FILTER));
    current = target();
    CudnnDescriptor convolution =
        graph
            .make(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR)
            .choice(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT)
            .choice(
                CUDNN_ATTR_CONVOLUTION_CONV_MODE,
                CUDNN_TYPE_CONVOLUTION_MODE,
                CUDNN_CROSS_CORRELATION)
            .integers(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, 2)
            .integers(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, op.padding().top(), op.padding().left())
            .integers(
                CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, op.padding().bottom(), op.padding().right())
            .integers(CUDNN_ATTR_CONVOLUTION_DILATIONS, 1, 1)
            .integers(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, op.stride(), op.stride())
            .finish();
    graph.add(
        graph
            .make(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR)
            .descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, source)
            .descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, filter)
            .descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, current)
            .descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, convolution)
            .number(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, 1)
            .number(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 0));
  }

  /**
   * Applies an operation to what there is.
   *
   * @param other its second operand, or null
   */
  private void pointwise(int mode, CudnnDescriptor other) {
    pointwiseLeft--;
    CudnnDescriptor result = target();
    CudnnDescriptor what =
        graph
            .make(CUDNN_BACKEND_POINTWISE_DESCRIPTOR)
            .choice(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, mode)
            .choice(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT)
            .finish();
    CudnnDescriptor operation =
        graph
            .make(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR)
            .descriptor(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, what)
            .descriptor(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, current)
            .descriptor(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, result);
    if (other != null) {
      operation.descriptor(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, other);
    }
    graph.add(operation);
    current = result;
  }
}
