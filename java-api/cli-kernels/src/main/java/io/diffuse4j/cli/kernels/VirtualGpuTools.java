package io.diffuse4j.cli.kernels;

import io.diffuse4j.cli.spi.CompiledKernel;
import io.diffuse4j.cli.spi.KernelJob;
import io.diffuse4j.cli.spi.KernelRun;
import io.diffuse4j.cli.spi.KernelTestDetail;
import io.diffuse4j.cli.spi.KernelTestRun;
import io.diffuse4j.cli.spi.KernelToolException;
import io.diffuse4j.cli.spi.KernelTools;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** The tools of the verb {@code kernels}. */
public final class VirtualGpuTools implements KernelTools {
  /** For the service loader. */
  public VirtualGpuTools() {}

  @Override
  public KernelRun run(KernelJob job) {
    try {
      return new KernelLaunch(job, afterEnvironment(job.settings())).run();
    } catch (LinkageError e) {
      throw new KernelToolException(
          "the CUDA presets cannot be loaded ("
              + e
              + "); put both jars of org.bytedeco:cuda beside the other jars in lib",
          "");
    }
  }

  @Override
  public List<CompiledKernel> images() {
    return OwnKernels.images();
  }

  @Override
  public List<CompiledKernel> compile(Path checkout, List<String> targets) throws IOException {
    return OwnKernels.compile(checkout, targets);
  }

  @Override
  public KernelTestRun test(Path checkout, String family, String settings, KernelTestDetail detail)
      throws IOException {
    return OwnKernelTests.of(checkout).run(family, afterEnvironment(settings), detail);
  }

  /** What the user has set for all, and then what the command says: the last of a key counts. */
  private static String afterEnvironment(String settings) {
    String environment = System.getenv("DIFFUSE4J_VGPU");
    return environment == null || environment.isBlank()
        ? settings
        : environment.strip() + "," + settings;
  }
}
