package io.diffuse4j.core.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.diffuse4j.core.VirtualTestDevice;
import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.device.DeviceException;
import io.diffuse4j.core.device.DeviceMemoryException;
import io.diffuse4j.core.device.VirtualOptions;
import io.diffuse4j.core.pipeline.GenerationRequest;
import io.diffuse4j.core.pipeline.Model;
import io.diffuse4j.core.pipeline.Sampler;
import io.diffuse4j.core.pipeline.SamplerOptions;
import io.diffuse4j.natives.VirtualGpuDriver;
import io.diffuse4j.weights.BundledModels;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Every driver call made to fail: the caller is told which, nothing leaks, and the next works. */
class CudaFaultTest {
  private static final Path DIGITS = BundledModels.load().resolve("digits-32");
  private static final String POLL = "cuEventQuery";
  private static final String BIND = "cuCtxSetCurrent";
  private static final int UNKNOWN = 999;
  private static final int OUT_OF_MEMORY = 2;

  /** Opens, loads, plans, samples and closes. */
  private static byte[] wholeLife() {
    try (Device device = Device.virtual(VirtualOptions.defaults());
        Model model = Model.load(device, DIGITS, DType.F16, w -> fail(w));
        Sampler sampler = model.sampler(SamplerOptions.of(8, 8))) {
      GenerationRequest request = GenerationRequest.builder().labels(4).steps(2).seed(1).build();
      return sampler.generate(request).images().get(0).pixels();
    }
  }

  /** What is done to the calls of a name, of which there are so many in any life. */
  private interface Faults {
    void inject(VirtualGpuDriver driver, String name, long calls);
  }

  /** For each call of a life, after which another life must still give the right picture. */
  private static void forEveryCall(Faults faults) {
    try (VirtualTestDevice gpu = VirtualTestDevice.unchecked()) {
      VirtualGpuDriver driver = gpu.driver();
      byte[] expected = wholeLife();
      driver.clearCalls();
      wholeLife();
      Map<String, VirtualGpuDriver.CallTotal> calls = driver.calls();
      long polls = calls.get(POLL).calls();
      calls.forEach(
          (name, total) -> {
            if (isReached(name)) {
              faults.inject(driver, name, inAnyLife(name, total.calls(), polls));
              assertArrayEquals(expected, wholeLife(), name);
            }
          });
    }
  }

  @Test
  void everyCallMadeToFailOnceIsATypedErrorWithoutALeak() {
    forEveryCall(
        (driver, name, calls) -> {
          failOnce(driver, name, 0);
          failOnce(driver, name, calls - 1);
        });
  }

  /** The same for each time that a call is made; polls alone are thinned out. */
  @Test
  @Tag("full")
  void everyCallMadeToFailEachTimeIsATypedErrorWithoutALeak() {
    forEveryCall(
        (driver, name, calls) -> {
          long step = name.equals(POLL) ? Math.max(1, calls / 20) : 1;
          for (long skip = 0; skip < calls; skip += step) {
            failOnce(driver, name, skip);
          }
        });
  }

  /** How often it polls, and binds the context for that, is another number each time. */
  private static long inAnyLife(String name, long calls, long polls) {
    return switch (name) {
      case POLL -> Math.max(1, calls / 4);
      case BIND -> calls - polls;
      default -> calls;
    };
  }

  private static boolean isReached(String name) {
    return !name.startsWith("cuMemFree");
  }

  private static void failOnce(VirtualGpuDriver driver, String name, long skip) {
    driver.failCalls(name, skip, 1, UNKNOWN);
    DeviceException e =
        assertThrows(DeviceException.class, CudaFaultTest::wholeLife, name + " after " + skip);
    driver.clearFaults();
    assertEquals(UNKNOWN, e.code());
    // The driver's name for it may end in a version.
    assertTrue(name.startsWith(e.call().replaceFirst(" .*", "")), name + ": " + e.getMessage());
    assertTrue(e.getMessage().contains("CUDA_ERROR_UNKNOWN"), e.getMessage());
    assertEquals(List.of(), driver.allocations(), name + " after " + skip);
  }

  @Test
  void aFreeThatFailsIsReportedAndEverythingElseIsFreed() {
    VirtualGpuDriver driver = new VirtualGpuDriver();
    wholeLife();
    driver.failCalls("cuMemFree_v2", 1, 1, UNKNOWN);
    try (Device keepsTheContext = Device.virtual(VirtualOptions.defaults())) {
      DeviceException e = assertThrows(DeviceException.class, CudaFaultTest::wholeLife);
      assertEquals("cuMemFree", e.call());
      assertEquals(1, driver.allocations().size());
      assertTrue(!keepsTheContext.isClosed());
    } finally {
      driver.reset();
      driver.clearFaults();
    }
  }

  @Test
  void memoryThatIsNotThereIsRefusedWithTheFigures() {
    try (VirtualTestDevice gpu = VirtualTestDevice.with("memory=20M")) {
      try (Model model = Model.load(gpu.device(), DIGITS, DType.F16, w -> fail(w));
          Sampler sampler = model.sampler(SamplerOptions.of(32, 32).withBatch(64))) {
        GenerationRequest large =
            GenerationRequest.builder().labels(Collections.nCopies(64, 4)).steps(2).build();
        DeviceMemoryException e =
            assertThrows(DeviceMemoryException.class, () -> sampler.generate(large));
        assertTrue(e.needed() > e.budget(), e.getMessage());
      }
    }
    try (VirtualTestDevice gpu = VirtualTestDevice.unchecked()) {
      gpu.driver().failCalls("cuMemAlloc_v2", 0, 1, OUT_OF_MEMORY);
      assertThrows(
          DeviceMemoryException.class,
          () -> Model.load(gpu.device(), DIGITS, DType.F32, w -> fail(w)));
    }
  }
}
