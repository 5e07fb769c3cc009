package io.diffuse4j.junit;

import static io.diffuse4j.junit.Driver.alloc;
import static io.diffuse4j.junit.Driver.ok;
import static org.bytedeco.cuda.global.cudart.cuMemFree;
import static org.bytedeco.cuda.global.cudart.cuMemsetD32;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.natives.VirtualGpuDiagnostic;
import io.diffuse4j.natives.VirtualGpuDiagnostic.Kind;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Each class of fault is found and named; the same kernels without the fault give no report. */
@ExtendWith(VirtualGpuExtension.class)
class PlantedFaultsTest {
  private static final int LAUNCH_TIMEOUT = 702;
  private static final String SOURCE = "planted_faults.cu";

  private static Kernel kernel(VirtualGpu gpu, String name, boolean faulty) {
    return gpu.compileResource(PlantedFaultsTest.class, SOURCE, "-DFAULTY=" + (faulty ? 1 : 0))
        .kernel(name);
  }

  @Nested
  @VirtualGpuSettings(failOnDiagnostics = false)
  class Faulty {
    @Test
    void writeBeyondTheArrayByOne(VirtualGpu gpu) {
      DeviceArray out = gpu.allocate(4 * 100);
      kernel(gpu, "out_of_bounds", true).launch(LaunchShape.of(4, 32), out, 100);
      VirtualGpuDiagnostic found = only(gpu, Kind.MEMCHECK, "out_of_bounds");
      assertEquals(new VirtualGpuDiagnostic.Dim3(3, 0, 0), found.block());
      assertEquals(new VirtualGpuDiagnostic.Dim3(4, 0, 0), found.thread());
      assertEquals(out.address() + 400, found.address());
      assertEquals(4, found.size());
      assertEquals(6, found.line());
      assertTrue(found.file().endsWith(SOURCE), found.file());
      assertTrue(found.allocation().contains("PlantedFaultsTest.java"), found.allocation());
    }

    @Test
    void useAfterFree(VirtualGpu gpu) {
      long freed = alloc(128);
      ok(cuMemsetD32(freed, 0, 32));
      ok(cuMemFree(freed));
      kernel(gpu, "increment", false).launch(LaunchShape.of(1, 32), freed, 32);
      VirtualGpuDiagnostic found = first(gpu, Kind.MEMCHECK, "increment");
      assertEquals("read from freed memory", found.message());
      assertEquals(32, found.count());
      assertTrue(found.allocation().contains("freed by cuMemFree_v2"), found.allocation());
    }

    @Test
    void misalignedRead(VirtualGpu gpu) {
      DeviceArray bytes = gpu.bytes(new byte[256]);
      kernel(gpu, "misaligned", true).launch(LaunchShape.of(1, 32), bytes, gpu.allocate(128));
      VirtualGpuDiagnostic found = only(gpu, Kind.MEMCHECK, "misaligned");
      assertTrue(found.message().contains("misaligned"), found.message());
    }

    @Test
    void readOfWhatNobodyWrote(VirtualGpu gpu) {
      DeviceArray data = gpu.allocate(4 * 10).set(1, 2, 3);
      DeviceArray out = gpu.allocate(4);
      kernel(gpu, "uninitialised", true).launch(LaunchShape.of(1, 1), data, out, 3);
      VirtualGpuDiagnostic found = first(gpu, Kind.INITCHECK, "uninitialised");
      assertEquals(24, found.line()); // where the sum is used, not where it is loaded
    }

    @Test
    void sharedMemoryWithoutABarrier(VirtualGpu gpu) {
      DeviceArray data = gpu.ints(IntStream.range(0, 64).toArray());
      kernel(gpu, "shared_race", true).launch(LaunchShape.of(1, 64), data);
      VirtualGpuDiagnostic found = first(gpu, Kind.RACECHECK, "shared_race");
      assertTrue(found.otherThread().isPresent());
      assertEquals(30, found.otherLine()); // the store that the read does not wait for
    }

    @Test
    void globalMemoryWithoutAnAtomic(VirtualGpu gpu) {
      DeviceArray count = gpu.ints(0);
      kernel(gpu, "global_race", true).launch(LaunchShape.of(8, 32), count);
      VirtualGpuDiagnostic found = first(gpu, Kind.RACECHECK, "global_race");
      assertTrue(found.otherBlock().isPresent());
    }

    @Test
    void barrierThatHalfOfTheBlockReaches(VirtualGpu gpu) {
      kernel(gpu, "divergent_barrier", true).launch(LaunchShape.of(1, 64), gpu.allocate(256));
      first(gpu, Kind.SYNCCHECK, "divergent_barrier");
    }

    @Test
    void warpsThatWaitForEachOther(VirtualGpu gpu) {
      kernel(gpu, "deadlock", true).launch(LaunchShape.of(1, 64), gpu.allocate(256));
      first(gpu, Kind.DEADLOCK, "deadlock");
    }

    @Test
    @VirtualGpuSettings(value = "limit=100000", failOnDiagnostics = false)
    void kernelThatLoopsForEverIsStopped(VirtualGpu gpu) {
      kernel(gpu, "endless", true).launch(LaunchShape.of(1, 1), gpu.ints(0));
      VirtualGpuException e = assertThrows(VirtualGpuException.class, gpu::synchronize);
      assertEquals(LAUNCH_TIMEOUT, e.code());
    }

    @Test
    @VirtualGpuSettings(value = "check=none", failOnDiagnostics = false)
    void faultWithoutCheckersMakesTheContextUnusable(VirtualGpu gpu) {
      kernel(gpu, "increment", false).launch(LaunchShape.of(1, 1), 64L, 1);
      VirtualGpuException fault = assertThrows(VirtualGpuException.class, gpu::synchronize);
      assertEquals(Driver.ILLEGAL_ADDRESS, fault.code());
      VirtualGpuException later = assertThrows(VirtualGpuException.class, () -> gpu.allocate(4));
      assertEquals(Driver.ILLEGAL_ADDRESS, later.code());
      assertTrue(later.getMessage().contains("increment"), later.getMessage());
    }

    private static VirtualGpuDiagnostic only(VirtualGpu gpu, Kind kind, String kernel) {
      VirtualGpuDiagnostic found = first(gpu, kind, kernel);
      assertEquals(1, gpu.diagnostics().size(), () -> gpu.diagnostics().toString());
      return found;
    }

    /** The first finding of this kind. */
    private static VirtualGpuDiagnostic first(VirtualGpu gpu, Kind kind, String kernel) {
      try {
        gpu.synchronize();
      } catch (VirtualGpuException e) {
        // A device fails on some of these faults; the finding is there all the same.
      }
      List<VirtualGpuDiagnostic> found =
          gpu.diagnostics().stream().filter(d -> d.kind() == kind).toList();
      assertFalse(found.isEmpty(), () -> gpu.diagnostics().toString());
      assertEquals(kernel, found.get(0).kernel());
      return found.get(0);
    }
  }

  /** The extension fails these if there is any finding. */
  @Nested
  class Clean {
    @Test
    void writeWithinTheArray(VirtualGpu gpu) {
      DeviceArray out = gpu.allocate(4 * 100);
      kernel(gpu, "out_of_bounds", false).launch(LaunchShape.of(4, 32), out, 100);
      assertArrayEquals(IntStream.range(0, 100).toArray(), out.toInts());
    }

    @Test
    void useBeforeFree(VirtualGpu gpu) {
      DeviceArray data = gpu.ints(new int[32]);
      kernel(gpu, "increment", false).launch(LaunchShape.of(1, 32), data, 32);
      assertEquals(32, IntStream.of(data.toInts()).sum());
    }

    @Test
    void alignedRead(VirtualGpu gpu) {
      DeviceArray bytes = gpu.bytes(new byte[256]);
      DeviceArray out = gpu.allocate(128);
      kernel(gpu, "misaligned", false).launch(LaunchShape.of(1, 32), bytes, out);
      assertEquals(0, IntStream.of(out.toInts()).sum());
    }

    @Test
    void readOfWhatWasWritten(VirtualGpu gpu) {
      DeviceArray data = gpu.allocate(4 * 10).set(1, 2, 3);
      DeviceArray out = gpu.allocate(4);
      kernel(gpu, "uninitialised", false).launch(LaunchShape.of(1, 1), data, out, 3);
      assertEquals(6, out.toInts()[0]);
    }

    @Test
    @VirtualGpuSettings("schedule=random:5")
    void sharedMemoryWithABarrier(VirtualGpu gpu) {
      DeviceArray data = gpu.ints(IntStream.range(0, 64).toArray());
      kernel(gpu, "shared_race", false).launch(LaunchShape.of(1, 64), data);
      assertArrayEquals(IntStream.range(0, 64).map(i -> 63 - i).toArray(), data.toInts());
    }

    @Test
    @VirtualGpuSettings("schedule=reverse")
    void globalMemoryWithAnAtomic(VirtualGpu gpu) {
      DeviceArray count = gpu.ints(0);
      kernel(gpu, "global_race", false).launch(LaunchShape.of(8, 32), count);
      assertEquals(8, count.toInts()[0]);
    }

    @Test
    void barrierThatAllReach(VirtualGpu gpu) {
      DeviceArray out = gpu.allocate(256);
      kernel(gpu, "divergent_barrier", false).launch(LaunchShape.of(1, 64), out);
      assertEquals(7 * 64, IntStream.of(out.toInts()).sum());
    }

    @Test
    void warpsThatMeet(VirtualGpu gpu) {
      DeviceArray out = gpu.allocate(256);
      kernel(gpu, "deadlock", false).launch(LaunchShape.of(1, 64), out);
      assertEquals(64, IntStream.of(out.toInts()).sum());
    }

    @Test
    void kernelThatEnds(VirtualGpu gpu) {
      DeviceArray flag = gpu.ints(0);
      kernel(gpu, "endless", false).launch(LaunchShape.of(1, 1), flag);
      assertEquals(2, flag.toInts()[0]);
    }
  }
}
