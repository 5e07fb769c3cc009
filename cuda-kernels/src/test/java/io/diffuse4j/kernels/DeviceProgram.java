package io.diffuse4j.kernels;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The program of {@code test/device} and the virtual GPU that it runs on. */
final class DeviceProgram {
  static final Path IMAGES = Path.of("target/classes/io/diffuse4j/kernels/compute_80");

  private static DeviceProgram compiled;

  private final HostProgram program;
  private final Path driver;

  private DeviceProgram() throws Exception {
    Path directory = Files.createDirectories(Path.of("target/device-test"));
    program = HostProgram.compile(Path.of("test/device"), directory.resolve("device_test"));
    driver = directory.resolve("libcuda.so.1");
    String resource = "/io/diffuse4j/natives/" + System.getProperty("platform") + "/libcuda.so.1";
    try (InputStream library = DeviceProgram.class.getResourceAsStream(resource)) {
      Files.copy(library, driver, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /** Compiled once for all tests. */
  static synchronized DeviceProgram get() throws Exception {
    if (compiled == null) {
      compiled = new DeviceProgram();
    }
    return compiled;
  }

  /**
   * Runs the cases of a family of kernels.
   *
   * @param settings of the virtual GPU
   * @param more arguments after the family
   */
  HostProgram.Outcome run(String settings, String family, String... more) throws Exception {
    List<String> arguments = new ArrayList<>(List.of(driver.toString(), IMAGES.toString(), family));
    arguments.addAll(List.of(more));
    return program.run(Map.of("DIFFUSE4J_VGPU", settings), arguments.toArray(String[]::new));
  }

  /** Runs the cases on a driver of the machine. */
  HostProgram.Outcome runOnDriver(String library, String family) throws Exception {
    return program.run(Map.of(), library, IMAGES.toString(), family);
  }
}
