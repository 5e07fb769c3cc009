package io.diffuse4j.cli.kernels;

import io.diffuse4j.cli.spi.CompiledKernel;
import io.diffuse4j.cli.spi.KernelJob;
import io.diffuse4j.cli.spi.KernelRun;
import io.diffuse4j.cli.spi.KernelTestRun;
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
    return new KernelLaunch(job).run();
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
  public KernelTestRun test(Path checkout, String family, String settings, boolean everyCase)
      throws IOException {
    return OwnKernelTests.of(checkout).run(family, settings, everyCase);
  }
}
