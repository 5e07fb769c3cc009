package io.diffuse4j.junit;

import static io.diffuse4j.junit.Driver.ok;
import static org.bytedeco.cuda.global.cudart.cuGetProcAddress;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.util.TreeSet;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Entry points by name and version. */
@ExtendWith(VirtualGpuExtension.class)
class EntryPointsTest {
  private static final int NOT_FOUND = 1;
  private static final int VERSION_NOT_SUFFICIENT = 2;
  private static final int PER_THREAD_DEFAULT_STREAM = 2;

  /** cuComplex.h, whose functions share the driver's prefix. */
  private static final String COMPLEX_NUMBERS =
      "cuC(abs|add|div|fma|imag|mul|onj|real|sub)f?|cuComplex\\w+";

  @Test
  void everyCallOfThePresetsHasAnEntryPoint(VirtualGpu gpu) {
    TreeSet<String> missing = new TreeSet<>();
    for (Method method : cudart.class.getMethods()) {
      String name = method.getName();
      if (name.matches("cu[A-Z]\\w+") && !name.matches(COMPLEX_NUMBERS)) {
        if (address(name, 13030, 0) == 0) {
          missing.add(name);
        }
      }
    }
    assertTrue(missing.isEmpty(), missing.toString());
  }

  @Test
  void versionOfTheCallerChoosesTheEntryPoint(VirtualGpu gpu) {
    assertEquals(address("cuMemAlloc_v2", 13000, 0), address("cuMemAlloc", 12000, 0));
    assertEquals(address("cuCtxCreate_v2", 13000, 0), address("cuCtxCreate", 11000, 0));
    assertEquals(address("cuCtxCreate_v3", 13000, 0), address("cuCtxCreate", 12000, 0));
    assertEquals(address("cuCtxCreate_v4", 13000, 0), address("cuCtxCreate", 13000, 0));
    assertNotEquals(address("cuCtxCreate_v3", 13000, 0), address("cuCtxCreate_v4", 13000, 0));
  }

  @Test
  void perThreadStreamFlagChoosesItsEntryPoints(VirtualGpu gpu) {
    assertEquals(
        address("cuLaunchKernel_ptsz", 13000, 0),
        address("cuLaunchKernel", 13000, PER_THREAD_DEFAULT_STREAM));
    assertEquals(
        address("cuMemcpyHtoD_v2_ptds", 13000, 0),
        address("cuMemcpyHtoD", 13000, PER_THREAD_DEFAULT_STREAM));
  }

  @Test
  void unknownNamesAndOldVersionsAreToldApart(VirtualGpu gpu) {
    assertEquals(NOT_FOUND, query("cuMakeCoffee", 13000));
    assertEquals(VERSION_NOT_SUFFICIENT, query("cuGraphAddNode", 12000));
    assertEquals(0, query("cuGraphAddNode", 12030));
  }

  private static long address(String name, int version, long flags) {
    Pointer function = new Pointer(); // becomes what the call returns
    ok(cuGetProcAddress(name, function, version, flags, new int[1]));
    return function.address();
  }

  private static int query(String name, int version) {
    int[] query = new int[1];
    ok(cuGetProcAddress(name, new Pointer(), version, 0, query));
    return query[0];
  }
}
