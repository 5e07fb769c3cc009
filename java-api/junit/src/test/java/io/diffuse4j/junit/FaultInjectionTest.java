package io.diffuse4j.junit;

import static io.diffuse4j.junit.Driver.*;
import static org.bytedeco.cuda.global.cudart.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.natives.VirtualGpuDriver;
import java.util.List;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.IntPointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Any call can be told to fail, and what was called can be asserted. */
@ExtendWith(VirtualGpuExtension.class)
class FaultInjectionTest {
  @Test
  void failsTheCallsThatItWasToldToAndNoOther(VirtualGpu gpu) {
    gpu.driver().failCalls("cuMemAlloc_v2", 1, 2, OUT_OF_MEMORY);
    long first = alloc(16);
    assertEquals(OUT_OF_MEMORY, cuMemAlloc(new long[1], 16));
    assertEquals(OUT_OF_MEMORY, cuMemAlloc(new long[1], 16));
    long last = alloc(16);
    ok(cuMemFree(first));
    ok(cuMemFree(last));
  }

  @Test
  void everyCallOfAProgramCanFailInTurn(VirtualGpu gpu) {
    int calls = 0;
    while (true) {
      gpu.driver().failCalls("*", calls, 1, 999);
      int failures = program();
      gpu.driver().clearFaults();
      if (failures == 0) {
        break;
      }
      assertEquals(1, failures, "after " + calls + " calls");
      calls++;
    }
    assertEquals(6, calls);
  }

  @Test
  void injectedFailureSaysThatItWasInjected(VirtualGpu gpu) {
    gpu.driver().failCalls("cuCtxSynchronize", 0, 1, ILLEGAL_ADDRESS);
    VirtualGpuException e = assertThrows(VirtualGpuException.class, gpu::synchronize);
    assertEquals(ILLEGAL_ADDRESS, e.code());
    assertTrue(e.getMessage().contains("fault injection"), e.getMessage());
    gpu.synchronize();
  }

  @Test
  void resultThatIsNoErrorIsRefused(VirtualGpu gpu) {
    VirtualGpuDriver driver = gpu.driver();
    assertThrows(IllegalArgumentException.class, () -> driver.failCalls("cuInit", 0, 1, 0));
    assertThrows(IllegalArgumentException.class, () -> driver.failCalls("cuInit", 0, 1, 12345));
    assertThrows(IllegalArgumentException.class, () -> driver.failCalls("cuInit", -1, 1, 1));
  }

  @Test
  void settingsThatDoNotExistAreRefusedWithTheirNames(VirtualGpu gpu) {
    VirtualGpuDriver driver = gpu.driver();
    for (String wrong :
        List.of("check=some", "colour=red", "schedule=random", "threads=-1", "approximation=2")) {
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> driver.configure(wrong));
      assertTrue(e.getMessage().contains(wrong), e.getMessage());
    }
    assertThrows(IllegalArgumentException.class, () -> driver.configure("memory=1G"));
  }

  @Test
  void callsAreCountedAndKeptInOrder(VirtualGpu gpu) {
    gpu.driver().clearCalls();
    assertEquals(0, program());
    assertEquals(
        List.of(
            "cuStreamCreateWithPriority",
            "cuMemAlloc_v2",
            "cuMemsetD32Async",
            "cuMemcpyDtoH_v2",
            "cuMemFree_v2",
            "cuStreamDestroy_v2"),
        gpu.driver().callSequence().stream().map(VirtualGpuDriver.Call::name).toList());
    assertEquals(
        new VirtualGpuDriver.CallTotal(1, 64), gpu.driver().calls().get("cuMemsetD32Async"));
    assertEquals(new VirtualGpuDriver.CallTotal(1, 4), gpu.driver().calls().get("cuMemcpyDtoH_v2"));
  }

  /** Uses the driver, cleans up, and returns how many of its calls failed. */
  private static int program() {
    int failures = 0;
    CUstream_st stream = new CUstream_st();
    boolean hasStream = cuStreamCreate(stream, NON_BLOCKING) == SUCCESS;
    failures += hasStream ? 0 : 1;
    long[] address = new long[1];
    boolean hasMemory = cuMemAlloc(address, 64) == SUCCESS;
    failures += hasMemory ? 0 : 1;
    if (hasMemory) {
      failures += cuMemsetD32Async(address[0], 1, 16, hasStream ? stream : null) == 0 ? 0 : 1;
      try (IntPointer host = new IntPointer(1)) {
        failures += cuMemcpyDtoH(host, address[0], 4) == SUCCESS ? 0 : 1;
      }
      if (cuMemFree(address[0]) != SUCCESS) {
        failures++;
        ok(cuMemFree(address[0]));
      }
    }
    if (hasStream && cuStreamDestroy(stream) != SUCCESS) {
      failures++;
      ok(cuStreamDestroy(stream));
    }
    return failures;
  }
}
