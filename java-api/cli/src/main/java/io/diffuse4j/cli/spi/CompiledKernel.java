package io.diffuse4j.cli.spi;

import java.util.List;

/**
 * What the compiler reported of one of the project's kernels.
 *
 * @param target such as {@code sm_90a}
 * @param module the source's name without folder and ending
 * @param name the kernel's name
 * @param registers 32-bit registers of a thread
 * @param spillBytes bytes of registers that a thread stores to or loads from local memory
 * @param sharedBytes static shared memory of a block
 * @param threads of the largest block it was compiled for
 * @param blocksPerMultiprocessor how many blocks are planned to be resident together
 */
public record CompiledKernel(
    String target,
    String module,
    String name,
    int registers,
    int spillBytes,
    int sharedBytes,
    int threads,
    int blocksPerMultiprocessor) {
  /** What the project's kernels can be compiled for. */
  public static final List<String> TARGETS =
      List.of("sm_80", "sm_86", "sm_89", "sm_90a", "sm_100a", "sm_120a");
}
