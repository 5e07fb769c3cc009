package io.diffuse4j.cli.spi;

import io.diffuse4j.natives.VirtualGpuDiagnostic;
import io.diffuse4j.natives.VirtualGpuLaunch;
import io.diffuse4j.weights.HostTensor;
import java.util.List;
import java.util.Optional;

/**
 * What came of a launch.
 *
 * @param launch its counters and modelled time; empty if it did not end by itself
 * @param diagnostics what the checkers found
 * @param failure why it did not end by itself
 * @param outputs the tensors that the kernel wrote, named {@code arg.N}; none if there is a failure
 */
public record KernelRun(
    Optional<VirtualGpuLaunch> launch,
    List<VirtualGpuDiagnostic> diagnostics,
    Optional<String> failure,
    List<HostTensor> outputs) {

  public KernelRun {
    diagnostics = List.copyOf(diagnostics);
    outputs = List.copyOf(outputs);
  }
}
