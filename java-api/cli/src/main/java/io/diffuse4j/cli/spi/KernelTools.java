package io.diffuse4j.cli.spi;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Compiles CUDA kernels and runs them on the virtual GPU; found with {@link
 * java.util.ServiceLoader}. One call at a time, because a process has one CUDA driver.
 */
public interface KernelTools {
  /**
   * Compiles a program if it is CUDA C++, and launches one kernel of it once.
   *
   * @throws KernelToolException if it does not compile or the launch is refused
   */
  KernelRun run(KernelJob job);

  /** The project's own kernels as this build carries them compiled, by target and name. */
  List<CompiledKernel> images();

  /**
   * Compiles the project's own kernels; what was compiled before comes from the cache.
   *
   * @param checkout the project's root
   * @param targets such as {@code sm_90a}
   * @throws KernelToolException if one does not compile
   */
  List<CompiledKernel> compile(Path checkout, List<String> targets) throws IOException;

  /**
   * Runs the project's own kernels against references in double.
   *
   * @param checkout the project's root
   * @param family the group of tests, as the tests' program names it
   * @param settings of the virtual GPU, as in {@code DIFFUSE4J_VGPU}
   * @param detail of the output
   * @throws KernelToolException if the tests do not compile
   */
  KernelTestRun test(Path checkout, String family, String settings, KernelTestDetail detail)
      throws IOException;
}
