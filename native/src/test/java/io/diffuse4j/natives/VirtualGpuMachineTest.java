package io.diffuse4j.natives;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Runs the C++ tests of the virtual GPU's machine (src/test/cpp/vgpu). */
class VirtualGpuMachineTest {
  @Test
  void decodesExecutesChecksAndCounts() throws Exception {
    Process process =
        new ProcessBuilder("target/native-tests/vgpu-tests", "src/test/resources/vgpu")
            .directory(Path.of("").toAbsolutePath().toFile())
            .redirectErrorStream(true)
            .start();
    String log = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), log);
  }
}
