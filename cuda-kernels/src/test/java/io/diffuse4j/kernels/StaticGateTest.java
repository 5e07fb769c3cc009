package io.diffuse4j.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What must hold for the machine code of every kernel before anything runs. */
class StaticGateTest {
  /** Per multiprocessor on every target. */
  private static final int REGISTERS = 65536;

  /** Registers are given out to warps, in units of this many per thread. */
  private static final int REGISTER_UNIT = 8;

  @ParameterizedTest
  @MethodSource("targets")
  void noKernelUsesLocalMemory(String target) {
    for (KernelReport kernel : reports(target)) {
      assertEquals(0, kernel.spillStoreBytes(), () -> kernel + " spills");
      assertEquals(0, kernel.spillLoadBytes(), () -> kernel + " spills");
      assertEquals(0, kernel.stackBytes(), () -> kernel + " has a stack");
    }
  }

  @ParameterizedTest
  @MethodSource("targets")
  void registersAllowThePlannedResidency(String target) {
    for (KernelReport kernel : reports(target)) {
      int perThread = (kernel.registers() + REGISTER_UNIT - 1) / REGISTER_UNIT * REGISTER_UNIT;
      int needed = perThread * kernel.threads() * kernel.blocksPerMultiprocessor();
      assertTrue(needed <= REGISTERS, () -> kernel + " needs " + needed + " registers");
    }
  }

  @ParameterizedTest
  @MethodSource("targets")
  void everyKernelPlansItsBlockSize(String target) {
    for (KernelReport kernel : reports(target)) {
      assertTrue(kernel.threads() > 0, () -> kernel + " lacks __launch_bounds__");
    }
  }

  /** Those that the build compiled: all six with the profile {@code full}. */
  static List<String> targets() {
    return List.of(System.getProperty("kernel.targets").split(" ", -1));
  }

  private static List<KernelReport> reports(String target) {
    List<KernelReport> reports = KernelImages.report(target);
    assertFalse(reports.isEmpty(), "nothing was compiled for " + target);
    return reports;
  }
}
