package io.diffuse4j.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * All kernels on the virtual GPU, every tile against references in double, under all checkers. The
 * cases are C++ because they fill the kernels' parameter structs: see {@code test/device}.
 */
class DeviceKernelTest {
  @ParameterizedTest
  @ValueSource(
      strings = {"attention", "conv", "elementwise", "gemm", "linear_small", "norm", "sampler"})
  void resultsAreRightAndTheSameBitsInEveryOrderOfBlocks(String kernels) throws Exception {
    String forward = run(kernels, "check=all,schedule=forward");
    assertEquals(forward, run(kernels, "check=all,schedule=reverse"));
    assertEquals(forward, run(kernels, "check=all,schedule=random:" + System.nanoTime()));
    assertEquals(forward, run(kernels, "check=none,threads=2"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"attention", "conv", "elementwise", "gemm", "linear_small", "norm", "sampler"})
  void resultsAreRightWhenApproximateFunctionsErrAsMuchAsTheyMay(String kernels) throws Exception {
    run(kernels, "check=none,approximation=1");
  }

  /** One thread: with more, blocks that wait for one another count a different number of looks. */
  @ParameterizedTest
  @ValueSource(strings = {"attention_counters", "matrix_counters", "memory_counters"})
  void memoryAccessesAndProductsAreNearTheirMinimumOnStableDiffusionShapes(String kernels)
      throws Exception {
    run(kernels, "check=none,counters=on,threads=1");
  }

  /** The same cases on the machine's own driver: its compiler, its arithmetic, its memory. */
  @Tag("gpu")
  @ParameterizedTest
  @ValueSource(
      strings = {"attention", "conv", "elementwise", "gemm", "linear_small", "norm", "sampler"})
  void resultsAreRightOnTheGpu(String kernels) throws Exception {
    boolean isVirtual = System.getProperty("diffuse4j.gpu").equals("virtual");
    HostProgram.Outcome outcome =
        isVirtual
            ? DeviceProgram.get().run("", kernels)
            : DeviceProgram.get().runOnDriver("libcuda.so.1", kernels);
    assertEquals(0, outcome.status(), outcome::output);
  }

  /** The program's summary, which ends in a hash of all results' bits. */
  private static String run(String kernels, String settings) throws Exception {
    HostProgram.Outcome outcome = DeviceProgram.get().run(settings, kernels);
    assertEquals(0, outcome.status(), () -> settings + ":\n" + outcome.output());
    return outcome.output();
  }
}
