package io.diffuse4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * The README's code sample is the example that compiles here, and runs as a modular application.
 */
class ReadmeTest {
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent().getParent();

  @Test
  void readmeShowsTheExampleThatCompiles() throws IOException {
    String source = Files.readString(Path.of("src/test/java/io/diffuse4j/examples/TenDigits.java"));
    String body =
        source
            .substring(source.indexOf("    Path folder"), source.lastIndexOf("  }\n}"))
            .lines()
            .map(line -> line.startsWith("    ") ? line.substring(4) : line)
            .collect(Collectors.joining("\n"));
    assertTrue(Files.readString(ROOT.resolve("README.md")).contains(body), body);
  }

  @Test
  void exampleRunsOnTheModulePath() throws IOException, InterruptedException {
    List<String> modules = new ArrayList<>();
    List<String> classes = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      if (Path.of(entry).getFileName().toString().startsWith("dnnl")) {
        // Resources only; its module descriptor requires the preset's Java classes, which we leave
        // out because they need an artifact that is not published.
        classes.add(entry);
      } else if (entry.endsWith("test-classes")) {
        classes.add(entry);
      } else if (isOurs(entry)) {
        modules.add(entry);
      }
    }
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--module-path",
            String.join(File.pathSeparator, modules),
            "--add-modules",
            "io.diffuse4j.core,io.diffuse4j.models,org.bytedeco.javacpp.linux.x86_64",
            "-cp",
            String.join(File.pathSeparator, classes),
            TenDigits.class.getName());
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
    assertTrue(output.contains("20 of 20"), output);
    assertEquals(10, output.lines().filter(line -> line.contains("32x32")).count(), output);
  }

  /** Our modules as folders of classes or as jars, whichever the build has at this point. */
  private static boolean isOurs(String entry) {
    String name = Path.of(entry).getFileName().toString();
    return name.equals("classes")
        || name.startsWith("diffuse4j-")
        || name.startsWith("javacpp-")
        || name.startsWith("cuda-")
        || name.startsWith("jackson-core-");
  }
}
