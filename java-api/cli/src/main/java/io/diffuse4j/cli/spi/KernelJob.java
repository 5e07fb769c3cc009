package io.diffuse4j.cli.spi;

import io.diffuse4j.natives.VirtualGpuDiagnostic.Dim3;
import java.nio.file.Path;
import java.util.List;

/**
 * One launch of one kernel.
 *
 * @param file where the program is from: the name in messages, and the folder of its includes
 * @param text the program
 * @param language what it is written in
 * @param compilerOptions options of NVRTC besides those that are always there
 * @param kernel the kernel's name
 * @param grid blocks in the grid
 * @param block threads in a block
 * @param sharedBytes dynamic shared memory of a block
 * @param arguments one for each parameter
 * @param settings of the virtual GPU, as in {@code DIFFUSE4J_VGPU}
 */
public record KernelJob(
    Path file,
    String text,
    Language language,
    List<String> compilerOptions,
    String kernel,
    Dim3 grid,
    Dim3 block,
    int sharedBytes,
    List<KernelArgument> arguments,
    String settings) {

  /** What kernels are written in. */
  public enum Language {
    /** CUDA C++. */
    CUDA,
    /** The virtual instruction set. */
    PTX
  }

  public KernelJob {
    compilerOptions = List.copyOf(compilerOptions);
    arguments = List.copyOf(arguments);
  }
}
