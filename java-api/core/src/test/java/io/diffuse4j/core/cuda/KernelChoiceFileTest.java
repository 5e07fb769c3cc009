package io.diffuse4j.core.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KernelChoiceFileTest {
  private static final KernelChoice FOREIGN = new KernelChoice("F16 convolution a", 2, 1.25, 4096);
  private static final KernelChoice OURS = KernelChoice.ours("F16 attention b");

  @TempDir private Path folder;
  private final List<String> warnings = new ArrayList<>();

  private KernelChoiceFile file(String identity) {
    return new KernelChoiceFile(folder.resolve("cache"), identity, warnings::add);
  }

  private static Map<String, KernelChoice> choices(KernelChoice... choices) {
    return Stream.of(choices).collect(Collectors.toMap(KernelChoice::shape, choice -> choice));
  }

  @Test
  void whatIsAddedIsReadBack() throws IOException {
    KernelChoiceFile file = file("a GPU");
    assertEquals(Map.of(), file.read());
    file.add(choices(FOREIGN));
    file.add(choices(OURS));
    assertEquals(choices(FOREIGN, OURS), file("a GPU").read());
    // Another GPU, driver, library or set of kernels has choices of its own.
    assertNotEquals(file.path(), file("another GPU").path());
    assertEquals(Map.of(), file("another GPU").read());
    assertEquals(List.of(), warnings);
    // No temporary file stays behind.
    try (Stream<Path> files = Files.list(file.path().getParent())) {
      assertEquals(List.of(file.path()), files.toList());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "something else\n",
        "diffuse4j kernel choices 1\na GPU\n",
        "diffuse4j kernel choices 1\na GPU\n2.0\t1.25\t4096\tF16 convolution a\n",
        "diffuse4j kernel choices 1\na GPU\n2.0\t1.25\t4096\tF16 convolution a\nend 2\n",
        "diffuse4j kernel choices 1\nb GPU\n2.0\t1.25\t4096\tF16 convolution a\nend 1\n",
        "diffuse4j kernel choices 2\na GPU\n2.0\t1.25\t4096\tF16 convolution a\nend 1\n",
        "diffuse4j kernel choices 1\na GPU\n2.0\t1.25\tF16 convolution a\nend 1\n",
        "diffuse4j kernel choices 1\na GPU\n2.0\tfast\t4096\tF16 convolution a\nend 1\n",
        "diffuse4j kernel choices 1\na GPU\n2.0\t-1\t4096\tF16 convolution a\nend 1\n",
        "diffuse4j kernel choices 1\na GPU\nNaN\t1\t4096\tF16 convolution a\nend 1\n",
        "diffuse4j kernel choices 1\na GPU\n2.0\t1.25\t-4\tF16 convolution a\nend 1\n",
      })
  void aFileThatMakesNoSenseIsIgnoredWithAWarningAndReplaced(String text) throws IOException {
    KernelChoiceFile file = file("a GPU");
    Files.createDirectories(file.path().getParent());
    Files.writeString(file.path(), text);
    assertEquals(Map.of(), file.read());
    assertEquals(1, warnings.size());
    assertTrue(warnings.get(0).startsWith(file.path().toString()), warnings.get(0));
    file.add(choices(FOREIGN));
    warnings.clear();
    assertEquals(choices(FOREIGN), file.read());
    assertEquals(List.of(), warnings);
  }

  @Test
  void bytesThatAreNoTextAreIgnored() throws IOException {
    KernelChoiceFile file = file("a GPU");
    Files.createDirectories(file.path().getParent());
    Files.write(file.path(), new byte[] {(byte) 0xff, 0, (byte) 0xc3, 10});
    assertEquals(Map.of(), file.read());
    assertEquals(1, warnings.size());
  }

  @Test
  void aFolderThatCannotBeWrittenIsAWarning() throws IOException {
    Files.writeString(folder.resolve("cache"), "a file where the folder should be");
    KernelChoiceFile file = file("a GPU");
    file.add(choices(FOREIGN));
    String last = warnings.get(warnings.size() - 1);
    assertTrue(last.contains("cannot be written"), last);
  }
}
