package io.diffuse4j.core.cuda;

import static org.bytedeco.cuda.global.cudart.cuLaunchKernel;
import static org.bytedeco.cuda.global.cudart.cuModuleGetFunction;
import static org.bytedeco.cuda.global.cudart.cuModuleLoadData;
import static org.bytedeco.cuda.global.cudart.cuModuleUnload;

import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.op.Activation;
import io.diffuse4j.core.op.ElementType;
import io.diffuse4j.core.op.Op;
import io.diffuse4j.core.op.Value;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * What stands in for cuDNN on the virtual GPU: artless kernels of its own (stand_in.cu), in f32 and
 * f16. It can be made slow, wrong or broken.
 */
final class StandInKernels implements ForeignKernels {
  static final long WORKSPACE = 1000;
  private static final int THREADS = 128;

  /** What it does wrong. */
  enum Fault {
    NONE,
    PREPARE,
    ENQUEUE,
    RESULT
  }

  private final CUmod_st module = new CUmod_st();
  private final int runs;
  private final Fault fault;
  int prepared;
  int closedKernels;
  int enqueued;
  boolean closed;

  /**
   * Loads its kernels in the current context.
   *
   * @param runs of a kernel for each op: more take longer, with the same result
   */
  StandInKernels(int runs, Fault fault) {
    this.runs = runs;
    this.fault = fault;
    try (InputStream in = StandInKernels.class.getResourceAsStream("stand_in.ptx")) {
      byte[] text = in.readAllBytes();
      try (BytePointer data = new BytePointer(text.length + 1L)) {
        data.put(text, 0, text.length).put(text.length, (byte) 0);
        CudaDriver.check("cuModuleLoadData", cuModuleLoadData(module, data));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public String version() {
    return "stand-in 1";
  }

  @Override
  public Optional<ForeignKernel> prepare(Op op, DType multiplied) {
    if (fault == Fault.PREPARE) {
      throw new IllegalStateException("the stand-in is broken");
    }
    ElementType type = op.inputs().get(0).type();
    if (multiplied == DType.BF16 || op.output().type() != type) {
      return Optional.empty();
    }
    prepared++;
    return Optional.of(op instanceof Op.Conv2d conv ? of(conv) : of((Op.Attention) op));
  }

  private ForeignKernel of(Op.Conv2d op) {
    Value x = op.source();
    Value y = op.output();
    ByteBuffer numbers = buffer(15);
    numbers.putInt(x.n()).putInt(x.h()).putInt(x.w()).putInt(x.c());
    numbers.putInt(y.h()).putInt(y.w()).putInt(y.c());
    numbers.putInt(op.weight().kernelH()).putInt(op.weight().kernelW()).putInt(op.stride());
    numbers.putInt(op.padding().top()).putInt(op.padding().left());
    numbers.putInt(op.embedding() == null ? 0 : op.embedding().rowStride());
    numbers.putInt(op.activation() == Activation.SILU ? 1 : 0);
    numbers.putFloat(fault == Fault.RESULT ? 1.01f * op.outputScale() : op.outputScale());
    return kernel("stand_in_convolution_", x.type(), y.elements(), numbers);
  }

  private ForeignKernel of(Op.Attention op) {
    Value q = op.query();
    ByteBuffer numbers = buffer(10);
    numbers.putInt(q.n()).putInt(op.heads()).putInt(op.headDim());
    numbers.putInt(q.tokens()).putInt(op.key().tokens());
    numbers.putInt(q.rowStride()).putInt(op.key().rowStride());
    numbers.putInt(op.value().rowStride()).putInt(op.output().rowStride());
    numbers.putFloat(fault == Fault.RESULT ? 0 : op.scale());
    return kernel("stand_in_attention_", q.type(), op.output().elements(), numbers);
  }

  private static ByteBuffer buffer(int numbers) {
    return ByteBuffer.allocate(numbers * Integer.BYTES).order(ByteOrder.nativeOrder());
  }

  private ForeignKernel kernel(String name, ElementType type, long elements, ByteBuffer numbers) {
    CUfunc_st function = new CUfunc_st();
    CudaDriver.check(
        "cuModuleGetFunction",
        cuModuleGetFunction(function, module, name + (type == ElementType.F16 ? "f16" : "f32")));
    byte[] bytes = new byte[numbers.flip().remaining()];
    numbers.get(bytes);
    int blocks = Math.toIntExact((elements + THREADS - 1) / THREADS);
    return new ForeignKernel() {
      private boolean open = true;

      @Override
      public long workspaceBytes() {
        return WORKSPACE;
      }

      @Override
      public void enqueue(CUstream_st stream, long[] addresses, long workspace) {
        if (fault == Fault.ENQUEUE) {
          throw new IllegalStateException("the stand-in cannot");
        }
        if (!open || workspace % 256 != 0) {
          throw new AssertionError("closed, or a workspace at " + workspace);
        }
        enqueued++;
        launch(stream, function, blocks, addresses, bytes);
      }

      @Override
      public void close() {
        if (open) {
          open = false;
          closedKernels++;
        }
      }
    };
  }

  private void launch(
      CUstream_st stream, CUfunc_st function, int blocks, long[] addresses, byte[] numbers) {
    try (BytePointer params =
            new BytePointer(8L * addresses.length + (numbers.length + 7L) / 8 * 8);
        PointerPointer<Pointer> arguments = new PointerPointer<>(1)) {
      ByteBuffer struct = params.asBuffer().order(ByteOrder.nativeOrder());
      for (long address : addresses) {
        struct.putLong(address);
      }
      struct.put(numbers);
      arguments.put(0, params);
      for (int i = 0; i < runs; i++) {
        CudaDriver.check(
            "cuLaunchKernel",
            cuLaunchKernel(function, blocks, 1, 1, THREADS, 1, 1, 0, stream, arguments, null));
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    CudaDriver.check("cuModuleUnload", cuModuleUnload(module));
  }
}
