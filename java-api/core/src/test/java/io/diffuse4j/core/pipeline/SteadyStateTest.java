package io.diffuse4j.core.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import io.diffuse4j.core.cpu.CpuDevice;
import io.diffuse4j.core.device.CpuOptions;
import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.Device;
import io.diffuse4j.natives.CpuOps;
import io.diffuse4j.weights.BundledModels;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What a long-running engine must not do: allocate in its loop, or grow. */
class SteadyStateTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  @Test
  void aDenoisingStepAllocatesNothingOnTheHeap() {
    Path digits = BundledModels.load().resolve("digits-32");
    try (Device device = Device.cpu(CpuOptions.defaults().withThreads(2));
        Model model = Model.load(device, digits, DType.F32, w -> fail(w));
        Sampler sampler = model.sampler()) {
      long compute = ((CpuDevice) device).computeThread().getId();
      long[] at = new long[101];
      GenerationRequest request =
          GenerationRequest.builder()
              .labels(3)
              .steps(100)
              .guidanceScale(2)
              .progress(
                  (done, total) ->
                      at[done] =
                          THREADS.getCurrentThreadAllocatedBytes()
                              + THREADS.getThreadAllocatedBytes(compute))
              .build();
      // The first run warms up: class loading and the JIT's own objects are not the loop's.
      sampler.generate(request);
      sampler.generate(request);
      // What the two readings themselves allocate, if anything.
      long before = THREADS.getCurrentThreadAllocatedBytes();
      THREADS.getThreadAllocatedBytes(compute);
      long reading = THREADS.getCurrentThreadAllocatedBytes() - before;
      assertEquals(80 * reading, at[100] - at[20], "bytes in 80 steps");
    }
  }

  @Test
  void memoryAfterFiveHundredGenerationsIsThatAfterTen() throws IOException {
    Path digits = BundledModels.load().resolve("digits-32");
    try (Device device = Device.cpu(CpuOptions.defaults().withThreads(2));
        Model model = Model.load(device, digits, DType.F32, w -> fail(w));
        Sampler kept = model.sampler()) {
      GenerationRequest request =
          GenerationRequest.builder().labels(1).steps(2).guidanceScale(2).build();
      generations(model, kept, request, 10);
      long held = CpuOps.d4j_memory_in_use();
      long objects = CpuOps.d4j_live_objects();
      long resident = resident();
      generations(model, kept, request, 490);
      assertEquals(held, CpuOps.d4j_memory_in_use());
      assertEquals(objects, CpuOps.d4j_live_objects());
      double growth = (double) resident() / resident - 1;
      assertTrue(growth < 0.02, "resident memory grew by " + 100 * growth + "%");
    }
    assertEquals(0, CpuOps.d4j_memory_in_use());
    assertEquals(0, CpuOps.d4j_live_objects());
  }

  /** Every tenth generation with a sampler of its own: opening and closing must not leak either. */
  private static void generations(Model model, Sampler kept, GenerationRequest request, int count) {
    for (int i = 0; i < count; i++) {
      if (i % 10 == 0) {
        try (Sampler own = model.sampler()) {
          own.generate(request);
        }
      } else {
        kept.generate(request);
      }
    }
  }

  /** Resident bytes of this process, after a collection so that garbage does not count. */
  private static long resident() throws IOException {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
      }
    }
    throw new IOException("no VmRSS in /proc/self/status");
  }
}
