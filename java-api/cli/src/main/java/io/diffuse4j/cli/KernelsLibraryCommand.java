package io.diffuse4j.cli;

import io.diffuse4j.natives.VirtualGpuLibrary;
import java.io.UncheckedIOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** Tells where the virtual GPU's library is. */
@Command(
    name = "library",
    description = "Print the path of the virtual GPU's libcuda.so.1.",
    optionListHeading = "%nOptions:%n",
    footer = {
      "",
      "Any program of the CUDA driver API runs on it:",
      "",
      "  LD_LIBRARY_PATH=$(dirname $(diffuse4j kernels library)) \\",
      "    DIFFUSE4J_VGPU=check=all,report=stderr ./program",
      "",
      "'diffuse4j kernels --help' lists what DIFFUSE4J_VGPU can hold. Programs of the CUDA runtime,"
          + " cuBLAS or cuDNN need a real driver."
    })
final class KernelsLibraryCommand implements Callable<Integer> {
  private final Environment environment;

  KernelsLibraryCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    try {
      environment.out().println(VirtualGpuLibrary.path());
    } catch (IllegalStateException e) {
      throw new FailureException(
          e.getMessage() + " in this build; build without -Dnative.scope=cpu", e);
    } catch (UncheckedIOException e) {
      throw new FailureException(
          e.getMessage() + "; set -Dorg.bytedeco.javacpp.cachedir to a folder that can be written",
          e);
    }
    return ExitCode.DONE;
  }
}
