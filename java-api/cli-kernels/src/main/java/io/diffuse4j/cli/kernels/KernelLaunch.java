package io.diffuse4j.cli.kernels;

import io.diffuse4j.cli.spi.KernelArgument;
import io.diffuse4j.cli.spi.KernelJob;
import io.diffuse4j.cli.spi.KernelJob.Language;
import io.diffuse4j.cli.spi.KernelRun;
import io.diffuse4j.cli.spi.KernelToolException;
import io.diffuse4j.junit.DeviceArray;
import io.diffuse4j.junit.Kernel;
import io.diffuse4j.junit.KernelCompilationException;
import io.diffuse4j.junit.KernelModule;
import io.diffuse4j.junit.LaunchShape;
import io.diffuse4j.junit.VirtualGpu;
import io.diffuse4j.junit.VirtualGpuException;
import io.diffuse4j.natives.VirtualGpuLaunch;
import io.diffuse4j.weights.HostTensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** One launch on a virtual GPU of its own. */
final class KernelLaunch {
  private static final int LAUNCH_TIMEOUT = 702;
  private static final int OUT_OF_MEMORY = 2;

  private final KernelJob job;

  private final String settings;

  /** {@code settings} replace the job's. */
  KernelLaunch(KernelJob job, String settings) {
    this.job = job;
    this.settings = settings;
  }

  KernelRun run() {
    VirtualGpu gpu = open();
    Optional<VirtualGpuLaunch> launch = Optional.empty();
    Optional<String> failure = Optional.empty();
    List<HostTensor> outputs = List.of();
    try {
      List<DeviceArray> arrays = new ArrayList<>();
      queue(gpu, arrays);
      try {
        launch = Optional.of(gpu.lastLaunch());
        outputs = outputs(arrays);
      } catch (VirtualGpuException e) {
        failure = Optional.of(reason(e));
      }
    } catch (VirtualGpuException e) {
      throw new KernelToolException(reason(e), "");
    } finally {
      close(gpu);
    }
    return new KernelRun(launch, gpu.diagnostics(), failure, outputs);
  }

  private VirtualGpu open() {
    try {
      return new VirtualGpu(settings);
    } catch (IllegalArgumentException | IllegalStateException e) {
      throw new KernelToolException(e.getMessage(), "");
    }
  }

  /** After a failure every call fails, the ones that close among them; it is known by then. */
  private static void close(VirtualGpu gpu) {
    try {
      gpu.close();
    } catch (VirtualGpuException e) {
      // The launch has said so, or what it left is among the findings.
    }
  }

  private void queue(VirtualGpu gpu, List<DeviceArray> arrays) {
    Kernel kernel = KernelName.find(load(gpu), job.kernel());
    KernelParameters.check(job.kernel(), kernel.parameterBytes(), job.arguments());
    Object[] values = new Object[job.arguments().size()];
    for (int i = 0; i < values.length; i++) {
      KernelArgument argument = job.arguments().get(i);
      String origin = "--arg " + argument.text();
      DeviceArray array = null;
      if (argument instanceof KernelArgument.Input input) {
        byte[] bytes = bytes(input.tensor());
        array = gpu.allocate(bytes.length, origin).set(bytes);
      } else if (argument instanceof KernelArgument.Output output) {
        array = gpu.allocate(output.bytes(), origin);
      }
      arrays.add(array);
      values[i] = argument instanceof KernelArgument.Scalar scalar ? scalar.value() : array;
    }
    LaunchShape shape =
        new LaunchShape(
            job.grid().x(),
            job.grid().y(),
            job.grid().z(),
            job.block().x(),
            job.block().y(),
            job.block().z(),
            job.sharedBytes());
    kernel.launch(shape, values);
  }

  private KernelModule load(VirtualGpu gpu) {
    if (job.language() == Language.PTX) {
      return gpu.load(job.text());
    }
    try {
      return gpu.compile(job.file().toString(), job.text(), job.compilerOptions());
    } catch (KernelCompilationException e) {
      throw new KernelToolException(
          job.file() + " does not compile; the compiler's messages are above", e.getMessage());
    } catch (LinkageError e) {
      throw new KernelToolException(
          "the CUDA compiler cannot be loaded ("
              + e.getMessage()
              + "); put the jar of org.bytedeco:cuda-redist beside the other jars in lib",
          "");
    }
  }

  private List<HostTensor> outputs(List<DeviceArray> arrays) {
    List<HostTensor> outputs = new ArrayList<>();
    for (int i = 0; i < arrays.size(); i++) {
      KernelArgument argument = job.arguments().get(i);
      String name = "arg." + i;
      if (argument instanceof KernelArgument.Output output) {
        long[] shape = output.shape().stream().mapToLong(Long::longValue).toArray();
        outputs.add(HostTensor.ofBytes(name, output.dtype(), arrays.get(i).toBytes(), shape));
      } else if (argument instanceof KernelArgument.Input input && input.isOutput()) {
        HostTensor tensor = input.tensor();
        outputs.add(
            HostTensor.ofBytes(name, tensor.dtype(), arrays.get(i).toBytes(), tensor.shape()));
      }
    }
    return outputs;
  }

  private static byte[] bytes(HostTensor tensor) {
    ByteBuffer buffer = tensor.bytes();
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }

  /**
   * The driver's message; where it is about the kernel, without the call that brought it to light.
   */
  private static String reason(VirtualGpuException e) {
    String message = e.getMessage();
    int kernel = message.indexOf(": kernel ");
    return (kernel < 0 ? message : message.substring(kernel + 2))
        + switch (e.code()) {
          case LAUNCH_TIMEOUT -> "; --limit N allows more";
          case OUT_OF_MEMORY -> "; DIFFUSE4J_VGPU=memory=BYTES gives the virtual GPU more";
          default -> "";
        };
  }
}
