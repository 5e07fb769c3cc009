package io.diffuse4j.core.cuda;

import static org.bytedeco.cuda.global.cudart.cuGraphLaunch;
import static org.bytedeco.cuda.global.cudart.cuLaunchKernelEx;
import static org.bytedeco.cuda.global.cudart.cuMemcpyDtoDAsync;
import static org.bytedeco.cuda.global.cudart.cuMemcpyDtoHAsync;
import static org.bytedeco.cuda.global.cudart.cuMemcpyHtoDAsync;
import static org.bytedeco.cuda.global.cudart.cuStreamCreate;
import static org.bytedeco.cuda.global.cudart.cuStreamDestroy;
import static org.bytedeco.cuda.global.cudart.cuStreamSynchronize;

import io.diffuse4j.core.op.MemoryView;
import org.bytedeco.cuda.cudart.CUlaunchAttribute;
import org.bytedeco.cuda.cudart.CUlaunchConfig;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * The device's one queue of work. All that a device does goes through it, in order: copies see what
 * the kernels before them wrote, and nothing needs an event. Thread-safe, as the driver is.
 */
final class CudaStream implements AutoCloseable {
  /** CU_STREAM_NON_BLOCKING: others' work on the default stream is no business of ours. */
  private static final int NON_BLOCKING = 1;

  private final CudaContext context;
  private final CUstream_st stream = new CUstream_st();

  CudaStream(CudaContext context) {
    this.context = context;
    context.bind();
    CudaDriver.check("cuStreamCreate", cuStreamCreate(stream, NON_BLOCKING));
  }

  CUstream_st handle() {
    return stream;
  }

  /** Copies from pageable host memory, which may be reused at once. */
  void upload(long to, Pointer from, long bytes) {
    context.bind();
    CudaDriver.check("cuMemcpyHtoDAsync", cuMemcpyHtoDAsync(to, from, bytes, stream));
  }

  /** Copies to host memory and waits for it. */
  void download(Pointer to, long from, long bytes) {
    context.bind();
    CudaDriver.check("cuMemcpyDtoHAsync", cuMemcpyDtoHAsync(to, from, bytes, stream));
    synchronize();
  }

  void copy(long from, long to, long bytes) {
    context.bind();
    CudaDriver.check("cuMemcpyDtoDAsync", cuMemcpyDtoDAsync(to, from, bytes, stream));
  }

  void launch(CudaGraph graph) {
    context.bind();
    CudaDriver.check("cuGraphLaunch", cuGraphLaunch(graph.handle(), stream));
  }

  /** Launches each kernel of a program that is not worth a graph. */
  void launch(CudaProgram program) {
    for (CudaProgram.Launch launch : program.launches()) {
      launch(launch);
    }
  }

  void launch(CudaProgram.Launch launch) {
    context.bind();
    try (PointerPointer<Pointer> arguments = new PointerPointer<>(1);
        CUlaunchAttribute cooperative = new CUlaunchAttribute();
        CUlaunchConfig config = new CUlaunchConfig()) {
      arguments.put(0, new MemoryView(launch.params()));
      cooperative.id(CudaGraph.COOPERATIVE).value().cooperative(launch.cooperative() ? 1 : 0);
      config.gridDimX(launch.gridX()).gridDimY(launch.gridY()).gridDimZ(launch.gridZ());
      config.blockDimX(launch.threads()).blockDimY(1).blockDimZ(1);
      config.sharedMemBytes(launch.sharedBytes()).hStream(stream);
      config.attrs(cooperative).numAttrs(1);
      CudaDriver.check(
          "cuLaunchKernelEx", cuLaunchKernelEx(config, launch.function(), arguments, null));
    }
  }

  void synchronize() {
    context.bind();
    CudaDriver.check("cuStreamSynchronize", cuStreamSynchronize(stream));
  }

  @Override
  public void close() {
    context.bind();
    CudaDriver.check("cuStreamDestroy", cuStreamDestroy(stream));
  }
}
