package io.diffuse4j.core.cuda.cudnn;

import static org.bytedeco.cuda.global.cudnn.cudnnCreate;
import static org.bytedeco.cuda.global.cudnn.cudnnDestroy;
import static org.bytedeco.cuda.global.cudnn.cudnnGetVersion;

import io.diffuse4j.core.cuda.ForeignKernel;
import io.diffuse4j.core.cuda.ForeignKernels;
import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.op.Op;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.bytedeco.cuda.cudnn.cudnnContext;
import org.bytedeco.javacpp.Loader;

/**
 * cuDNN 9 through its JavaCPP preset, where the user has installed it: by its graph API, which
 * computes a convolution with all that is fused into it as one kernel. Thread-safe: the library's
 * handle is used by one thread at a time.
 *
 * <p>No call of cuDNN in this package has run on a GPU yet: there was none where it was written.
 * {@link io.diffuse4j.core.cuda} therefore compares every result with our own kernels' before it
 * uses one.
 */
public final class CudnnKernels implements ForeignKernels {
  private final cudnnContext library = new cudnnContext();
  private final long version;

  private CudnnKernels(long version) {
    this.version = version;
    CudnnStatus.check("cudnnCreate", cudnnCreate(library));
  }

  /**
   * Loads it and opens it in the current context.
   *
   * @throws IllegalStateException if it is not there or does not work; the message says why
   */
  public static CudnnKernels open() {
    try {
      Loader.load(org.bytedeco.cuda.global.cudnn.class);
      return new CudnnKernels(cudnnGetVersion());
    } catch (LinkageError | RuntimeException e) {
      // Whatever is wrong with something optional, it is just not there.
      Throwable reason = e;
      while (reason.getCause() != null) {
        reason = reason.getCause();
      }
      throw new IllegalStateException(String.valueOf(reason.getMessage()), e);
    }
  }

  /** As NVIDIA writes it: 9.25.0 for 92500. */
  private static String name(long version) {
    return "cuDNN " + version / 10000 + "." + version / 100 % 100 + "." + version % 100;
  }

  @Override
  public String version() {
    return name(version);
  }

  @Override
  public Optional<ForeignKernel> prepare(Op op, DType multiplied) {
    synchronized (library) {
      if (op instanceof Op.Conv2d convolution && CudnnConvolution.takes(convolution)) {
        CudnnGraph graph = new CudnnGraph();
        return plan(
            graph,
            () -> new CudnnConvolution(graph, convolution).build(),
            convolution.outputScale(),
            multiplied);
      }
      if (op instanceof Op.Attention attention && CudnnAttention.takes(attention, version)) {
        CudnnGraph graph = new CudnnGraph();
        return plan(
            graph,
            () -> new CudnnAttention(graph, attention).build(),
            attention.scale(),
            multiplied);
      }
      return Optional.empty();
    }
  }

  private Optional<ForeignKernel> plan(
      CudnnGraph graph, Supplier<List<CudnnKernel.Operand>> build, float scale, DType multiplied) {
    try {
      List<CudnnKernel.Operand> operands = build.get();
      Optional<CudnnDescriptor> plan = graph.plan(library, multiplied);
      if (plan.isPresent()) {
        return Optional.of(new CudnnKernel(library, graph, plan.get(), operands, scale));
      }
    } catch (Throwable t) {
      graph.close();
      throw t;
    }
    graph.close();
    return Optional.empty();
  }

  @Override
  public void close() {
    synchronized (library) {
      if (!library.isNull()) {
        CudnnStatus.check("cudnnDestroy", cudnnDestroy(library));
        library.setNull();
      }
    }
  }
}
