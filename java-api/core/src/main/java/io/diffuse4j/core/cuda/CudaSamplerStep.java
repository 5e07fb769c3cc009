package io.diffuse4j.core.cuda;

import io.diffuse4j.core.engine.NativeResource;
import io.diffuse4j.core.op.NativeStatus;
import io.diffuse4j.core.sampler.SampleArguments;
import io.diffuse4j.core.sampler.SamplerShape;
import io.diffuse4j.core.sampler.SamplerStep;
import io.diffuse4j.natives.CudaOps;
import org.bytedeco.javacpp.DoublePointer;

/** {@link SamplerStep} on CUDA: the samples are uploaded when a loop starts. */
final class CudaSamplerStep extends SamplerStep {
  private final CudaContext context;
  private final CudaModules modules;
  private final CudaStream stream;

  /** The samples, the progress, an error, the guidance numbers, the magnitudes: byte offsets. */
  private final long progress;

  private final long error;
  private final long guidance;
  private final long magnitudes;
  private final CudaBuffer memory;

  CudaSamplerStep(
      CudaContext context,
      CudaModules modules,
      CudaStream stream,
      CudaMemory allocator,
      SamplerShape shape) {
    super(new SampleArguments(shape));
    this.context = context;
    this.modules = modules;
    this.stream = stream;
    try {
      long[] guidanceBytes = new long[1];
      long[] magnitudeBytes = new long[1];
      NativeStatus.check(
          "d4j_cuda_sampler_bytes",
          CudaOps.d4j_cuda_sampler_bytes(
              arguments().shapeAddress(), guidanceBytes, magnitudeBytes));
      progress = CudaLowering.align(arguments().samplesBytes());
      error = progress + 2 * Integer.BYTES;
      guidance = CudaLowering.align(error + Double.BYTES);
      magnitudes = CudaLowering.align(guidance + guidanceBytes[0]);
      memory = allocator.allocate("the sampler", magnitudes + magnitudeBytes[0]);
    } catch (Throwable t) {
      arguments().close();
      throw t;
    }
  }

  /** Whether the rows of some sample need the statistics kernel. */
  boolean needsStatistics() {
    return arguments().needsStatistics();
  }

  /** Writes the samples to the device and sets the progress to 0. */
  void upload() {
    memory.upload(0, arguments().samples(), arguments().samplesBytes());
    memory.upload(progress, new int[2], 0, 2);
  }

  /** A program of some of the sampler's kernels, in order; closed by the caller. */
  CudaProgram program(boolean statistics, int... kernels) {
    CudaProgram program = new CudaProgram(context.multiprocessors(), modules, false, 0, 0);
    try {
      long base = memory.address();
      for (int kernel : kernels) {
        NativeStatus.check(
            "d4j_cuda_sampler",
            CudaOps.d4j_cuda_sampler(
                program.handle(),
                kernel,
                arguments().shapeAddress(),
                base,
                base + progress,
                statistics ? base + guidance : 0,
                statistics ? base + magnitudes : 0));
      }
      return program;
    } catch (Throwable t) {
      program.close();
      throw t;
    }
  }

  CudaStream stream() {
    return stream;
  }

  @Override
  public void initial(float scale) {
    // The kernel would take given noise, which is that of rows.
    for (int i = 0; i < shape().samples(); i++) {
      noise(i, 0, 0);
    }
    upload();
    try (CudaProgram program = new CudaProgram(context.multiprocessors(), modules, false, 0, 0)) {
      NativeStatus.check(
          "d4j_cuda_sampler_initial",
          CudaOps.d4j_cuda_sampler_initial(
              program.handle(), arguments().shapeAddress(), memory.address(), scale));
      stream.launch(program);
    }
  }

  @Override
  public double error(long lower, long higher, long previous, double atol, double rtol) {
    try (CudaProgram program = new CudaProgram(context.multiprocessors(), modules, false, 0, 0);
        DoublePointer result = new DoublePointer(1)) {
      NativeStatus.check(
          "d4j_cuda_sampler_error",
          CudaOps.d4j_cuda_sampler_error(
              program.handle(),
              lower,
              higher,
              previous,
              shape().elements(),
              atol,
              rtol,
              memory.address() + error));
      stream.launch(program);
      stream.download(result, memory.address() + error, Double.BYTES);
      return result.get();
    }
  }

  @Override
  public void close() {
    NativeResource.closeAll(memory, arguments());
  }
}
