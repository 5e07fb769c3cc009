package io.diffuse4j.natives;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class VirtualGpuLibraryTest {
  @Test
  void loadingMakesItTheDriverOfTheProcess() {
    VirtualGpuLibrary.load();
    VirtualGpuLibrary.load(); // once is enough, twice does no harm
    assertEquals(VirtualGpuControl.VIRTUAL, VirtualGpuControl.d4j_vgpu_driver());
  }

  @Test
  void itIsNotTakenForADriverOfTheMachine() {
    VirtualGpuLibrary.load();
    assumeFalse(Files.exists(Path.of("/proc/driver/nvidia/version")), "there is one");
    assertEquals(0, VirtualGpuControl.d4j_cuda_driver_found());
  }

  @Test
  void pathIsAFileThatTheLinkerTakes() {
    assertTrue(Files.isRegularFile(VirtualGpuLibrary.path()));
    assertEquals("libcuda.so.1", VirtualGpuLibrary.path().getFileName().toString());
  }

  @Test
  void settingsAreCheckedBeforeAnyContextExists() {
    VirtualGpuDriver driver = new VirtualGpuDriver();
    driver.configure("profile=h100,memory=1G,check=memory+race,schedule=random:7");
    driver.configure("profile=a100,memory=8G,check=none,schedule=forward");
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> driver.configure("profile=gtx480"));
    assertEquals(
        "d4jVgpuConfigure: CUDA_ERROR_INVALID_VALUE: DIFFUSE4J_VGPU: profile=gtx480: expected h100,"
            + " a100 or rtx4090",
        e.getMessage());
    assertTrue(driver.diagnostics().isEmpty());
    assertTrue(driver.allocations().isEmpty());
  }
}
