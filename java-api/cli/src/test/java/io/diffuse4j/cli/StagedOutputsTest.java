package io.diffuse4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StagedOutputsTest {
  @TempDir Path folder;

  private List<String> files() throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void nothingIsAtItsPlaceBeforeCommitAndEverythingAfter() throws IOException {
    Files.writeString(folder.resolve("a"), "old");
    try (StagedOutputs outputs = new StagedOutputs()) {
      Files.writeString(outputs.stage(folder.resolve("a")), "new");
      Files.writeString(outputs.stage(folder.resolve("b")), "b");
      Files.writeString(Files.createDirectory(outputs.stage(folder.resolve("c"))).resolve("d"), "");
      assertEquals("old", Files.readString(folder.resolve("a")));
      assertEquals(List.of("a"), files().stream().filter(name -> !name.startsWith(".")).toList());
      outputs.commit();
    }
    assertEquals(List.of("a", "b", "c"), files());
    assertEquals("new", Files.readString(folder.resolve("a")));
  }

  @Test
  void closeRemovesWhatWasNotCommittedAndEndsTheCommand() throws IOException {
    StagedOutputs outputs = new StagedOutputs();
    Files.writeString(outputs.stage(folder.resolve("a")), "half");
    outputs.close();
    outputs.close();
    assertEquals(List.of(), files());
    assertThrows(IOException.class, outputs::commit);
    assertThrows(IOException.class, () -> outputs.stage(folder.resolve("b")));
    assertEquals(List.of(), files());
  }

  @Test
  void gridThatIsTooLargeIsRefusedAndAFolderOfTheSameIsNot() {
    assertThrows(
        UsageException.class,
        () -> new ImageOutput(folder.resolve("x.png"), false).check(1000, 4096, 4096));
    new ImageOutput(folder, true).check(1000, 4096, 4096);
  }
}
