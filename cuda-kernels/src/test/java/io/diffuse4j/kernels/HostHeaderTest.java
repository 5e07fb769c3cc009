package io.diffuse4j.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The headers that kernels and host share, compiled by the host's compiler and checked there. */
class HostHeaderTest {
  @TempDir Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"attention_test", "swizzle_test", "tiles_test"})
  void hostChecksPass(String name) throws Exception {
    HostProgram program =
        HostProgram.compile(Path.of("test", name + ".cpp"), directory.resolve(name));
    HostProgram.Outcome outcome = program.run(Map.of());
    assertEquals(0, outcome.status(), outcome.output());
  }
}
