package io.diffuse4j.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ShardedSafetensorsTest {
  private static final String INDEX = "model.safetensors.index.json";

  @TempDir Path temporary;
  private Path folder;

  @BeforeEach
  void writeShards() throws IOException {
    folder = Files.createDirectory(temporary.resolve("model"));
    SafetensorsWriter.write(
        folder.resolve("one.safetensors"),
        List.of(HostTensor.of("a", new float[] {1}, 1), HostTensor.of("b", new float[] {2}, 1)));
    SafetensorsWriter.write(
        folder.resolve("two.safetensors"), List.of(HostTensor.of("c", new float[] {3}, 1)));
    // What a name that leaves the folder would reach.
    Files.copy(folder.resolve("two.safetensors"), temporary.resolve("outside.safetensors"));
  }

  private InvalidModelException refused(String json) {
    Path index = TestFiles.write(folder, INDEX, json);
    InvalidModelException e =
        assertThrows(InvalidModelException.class, () -> ShardedSafetensors.open(index).close());
    assertTrue(e.getMessage().startsWith(folder.toString()), e.getMessage());
    return e;
  }

  @Test
  void tensorsComeFromTheFilesThatTheIndexNames() {
    Path index =
        TestFiles.write(
            folder,
            INDEX,
            "{\"metadata\": {\"total_size\": 12, \"x\": [{}]}, \"weight_map\":"
                + " {\"c\": \"two.safetensors\", \"a\": \"one.safetensors\","
                + " \"b\": \"one.safetensors\"}}");
    ShardedSafetensors source = ShardedSafetensors.open(index);
    HostTensor c = source.get("c");
    assertEquals(Set.of("a", "b", "c"), source.names());
    assertArrayEquals(new float[] {2}, source.get("b").toFloats());
    assertFalse(source.has("d"));
    InvalidModelException e = assertThrows(InvalidModelException.class, () -> source.get("d"));
    assertTrue(e.getMessage().startsWith(index + ": no tensor \"d\""), e.getMessage());
    source.close();
    source.close();
    assertThrows(IllegalStateException.class, () -> source.get("c"));
    assertThrows(IllegalStateException.class, source::names);
    assertThrows(IllegalStateException.class, () -> source.has("c"));
    assertArrayEquals(new float[] {3}, c.toFloats());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../outside.safetensors",
        "./one.safetensors",
        "x/../one.safetensors",
        "..\\\\outside.safetensors",
        "C:outside.safetensors",
        "/outside.safetensors",
        "one.safetensors\\u0000",
        "one.bin",
        "",
        ".."
      })
  void namesThatLeaveTheFolderAreRefused(String shard) {
    InvalidModelException e = refused("{\"weight_map\": {\"c\": \"" + shard + "\"}}");
    assertTrue(e.getMessage().contains("is not the name of a safetensors file"), e.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{} | \"weight_map\" is missing",
        "[] | not a JSON object",
        "{\"weight_map\": [] } | expected an object",
        "{\"weight_map\": {\"a\": 1}} | expected the name of a file for \"a\"",
        "{\"weight_map\": {\"a\": \"one.safetensors\"}} | \"b\" of",
        "{\"weight_map\": {\"a\": \"two.safetensors\"}} | \"a\" is not in \"two.safetensors\"",
        "{\"weight_map\": {\"a\": \"three.safetensors\"}} | three.safetensors: cannot be read",
        "{\"weight_map\": {\"c\": \"two.safetensors\", \"c\": \"two.safetensors\"}} | Duplicate",
        "{\"weight_map\": {}} x | not valid JSON",
        "{\"weight_map\": {}} {} | text after",
        "{\"weight_map\": { | not valid JSON",
        "{\"metadata\": [[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]} | not valid JSON",
      })
  void indexesThatDoNotFitAreRefused(String json, String message) {
    InvalidModelException e = refused(json);
    assertTrue(e.getMessage().contains(message), e.getMessage());
  }

  @Test
  void aMissingIndexIsNamed() {
    InvalidModelException e =
        assertThrows(
            InvalidModelException.class, () -> ShardedSafetensors.open(folder.resolve("none")));
    assertTrue(e.getMessage().endsWith("none: cannot be read: no such file"), e.getMessage());
  }
}
