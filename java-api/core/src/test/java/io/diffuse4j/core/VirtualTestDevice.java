package io.diffuse4j.core;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.device.VirtualOptions;
import io.diffuse4j.natives.VirtualGpuDriver;
import java.util.List;

/** A virtual device for a test, fresh; what its checkers found and what was not freed fails it. */
public final class VirtualTestDevice implements AutoCloseable {
  private static final String DEFAULTS =
      "profile=a100,check=none,schedule=forward,counters=off,threads=0,limit=0,approximation=0,"
          + "memory=8G";

  private final VirtualGpuDriver driver = new VirtualGpuDriver();
  private final Device device;

  private VirtualTestDevice(String settings) {
    driver.reset();
    driver.clearFaults();
    driver.clearDiagnostics();
    driver.configure(DEFAULTS);
    driver.configure(settings);
    device = Device.virtual(VirtualOptions.defaults());
  }

  /** Without checkers: for long runs. */
  public static VirtualTestDevice unchecked() {
    return new VirtualTestDevice("");
  }

  /** Under all checkers. */
  public static VirtualTestDevice checked() {
    return new VirtualTestDevice("check=all");
  }

  /** With settings as {@code DIFFUSE4J_VGPU} has them. */
  public static VirtualTestDevice with(String settings) {
    return new VirtualTestDevice(settings);
  }

  public Device device() {
    return device;
  }

  public VirtualGpuDriver driver() {
    return driver;
  }

  @Override
  public void close() {
    device.close();
    assertEquals(List.of(), driver.diagnostics());
    assertEquals(List.of(), driver.allocations());
  }
}
