package io.diffuse4j.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelConfigTest {
  @TempDir Path folder;

  private static ModelConfig config(String json) {
    return ModelConfig.parse("c.json", json);
  }

  private static void refused(String message, Executable code) {
    assertEquals(message, assertThrows(InvalidModelException.class, code).getMessage());
  }

  @Test
  void fieldsAreReadByType() {
    ModelConfig config =
        config(
            """
            {"s": "x", "i": 3, "d": 2.5, "b": true, "l": [1, 2], "t": ["a"], "f": [0.5, 1],
             "nan": NaN, "inf": [-Infinity, Infinity], "o": {"i": 4}}
            """);
    assertEquals("x", config.string("s", ""));
    assertEquals(3, config.integer("i", 0, 0, 9));
    assertEquals(2.5, config.number("d", 0));
    assertEquals(3.0, config.number("i", 0));
    assertTrue(config.bool("b", false));
    assertEquals(List.of(1, 2), config.integers("l", List.of(), 0, 9));
    assertEquals(List.of("a"), config.strings("t", List.of()));
    assertEquals(List.of(0.5, 1.0), config.numbers("f", List.of()));
    assertTrue(Double.isNaN(config.number("nan", 0)));
    assertEquals(
        List.of(Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY),
        config.numbers("inf", List.of()));
    assertEquals(4, config.object("o").orElseThrow().integer("i", 0, 0, 9));
  }

  @Test
  void nullAndAbsenceAreTheDefault() {
    ModelConfig config = config("{\"n\": null}");
    for (String field : List.of("n", "absent")) {
      assertEquals("d", config.string(field, "d"));
      assertEquals(7, config.integer(field, 7, 0, 9));
      assertEquals(7.5, config.number(field, 7.5));
      assertTrue(config.bool(field, true));
      assertEquals(List.of(1), config.integers(field, List.of(1), 0, 9));
      assertEquals(List.of(4, 4, 4), config.integerPerBlock(field, 4, 0, 9, 3, "blocks"));
      assertEquals(List.of(true, true), config.boolPerBlock(field, true, 2, "blocks"));
      assertEquals(OptionalInt.empty(), config.optionalInteger(field, 0, 9));
      assertEquals(Optional.empty(), config.optionalString(field));
      assertTrue(config.object(field).isEmpty());
      assertFalse(config.has(field));
      config.requireDefault(field, "anything");
    }
    assertTrue(config.isNull("n"));
    assertFalse(config.isNull("absent"));
  }

  @Test
  void aScalarCountsForEveryBlock() {
    ModelConfig config = config("{\"a\": 5, \"b\": [1, 2], \"c\": [true, false], \"d\": true}");
    assertEquals(List.of(5, 5), config.integerPerBlock("a", 0, 0, 9, 2, "blocks"));
    assertEquals(List.of(1, 2), config.integerPerBlock("b", 0, 0, 9, 2, "blocks"));
    assertEquals(List.of(true, false), config.boolPerBlock("c", false, 2, "blocks"));
    assertEquals(List.of(true, true), config.boolPerBlock("d", false, 2, "blocks"));
    refused(
        "c.json: fields \"b\" and \"blocks\": they list 2 and 3 blocks",
        () -> config.integerPerBlock("b", 0, 0, 9, 3, "blocks"));
  }

  @Test
  void wrongValuesAreReportedWithFileFieldExpectationAndFinding() {
    ModelConfig config =
        config("{\"s\": \"x\\ny\", \"d\": 2.5, \"l\": [1], \"o\": {\"l\": {}}, \"b\": false}");
    refused(
        "c.json: field \"s\": expected a whole number, found the string \"x\\u000ay\"",
        () -> config.integer("s", 0, 0, 9));
    refused(
        "c.json: field \"d\": expected a whole number, found 2.5",
        () -> config.integer("d", 0, 0, 9));
    refused(
        "c.json: field \"l\": expected a string, found a list of 1", () -> config.string("l", ""));
    refused("c.json: field \"b\": expected a number, found false", () -> config.number("b", 0));
    refused(
        "c.json: field \"o\": expected true or false, found an object",
        () -> config.bool("o", false));
    refused(
        "c.json: field \"o.l\": expected a list of strings, found an object",
        () -> config.object("o").orElseThrow().strings("l", List.of()));
    refused(
        "c.json: field \"l\": expected a whole number from 2 to 3, found 1",
        () -> config.integers("l", List.of(), 2, 3));
    refused("c.json: field \"d\": expected an object, found 2.5", () -> config.object("d"));
  }

  @Test
  void whatIsNotImplementedPassesOnlyWithItsDefault() {
    ModelConfig config = config("{\"a\": 1, \"b\": 1.0, \"c\": \"x\", \"d\": true, \"e\": [1]}");
    config.requireDefault("a", 1.0);
    config.requireDefault("b", 1);
    config.requireDefault("c", "x");
    config.requireDefault("d", true);
    refused(
        "c.json: field \"c\": the string \"x\" is not implemented, only the string \"y\"",
        () -> config.requireDefault("c", "y"));
    refused(
        "c.json: field \"d\": true is not implemented, only null",
        () -> config.requireDefault("d", null));
    refused(
        "c.json: field \"e\": a list of 1 is not implemented, only 1",
        () -> config.requireDefault("e", 1));
    refused(
        "c.json: field \"a\": 1 is not implemented, only true",
        () -> config.requireDefault("a", true));
  }

  @Test
  void fieldsThatNobodyAskedForGiveOneWarning() {
    List<String> warnings = new ArrayList<>();
    ModelConfig config =
        config("{\"_class_name\": \"X\", \"a\": 1, \"z\": 1, \"b\": 1, \"seed\\n\": 2}");
    config.integer("a", 0, 0, 9);
    config.ignore("b");
    assertEquals(Set.of("z", "seed\n"), config.unknownFields());
    config.warnUnknownFields(warnings::add);
    assertEquals(List.of("c.json: ignored unknown fields: \"seed\\u000a\", \"z\""), warnings);
    warnings.clear();
    config.ignore("z", "seed\n");
    config.warnUnknownFields(warnings::add);
    assertEquals(List.of(), warnings);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "{",
        "{} {}",
        "{}x",
        "{\"a\": 1, \"a\": 2}",
        "{\"a\": {\"b\": 1, \"b\": 1}}",
        "{\"a\": 01}",
        "{\"a\": nan}",
        "{'a': 1}",
        "{\"a\": 1,}",
        "{\"a\": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}",
        "{\"a\": \"\n\"}",
        "\ufeff{}",
        "// comment\n{}",
        "{\"a\": tru\u0001}",
      })
  void anythingButOnePlainJsonObjectIsRefused(String json) {
    InvalidModelException e = assertThrows(InvalidModelException.class, () -> config(json));
    assertTrue(e.getMessage().startsWith("c.json: "), e.getMessage());
    assertTrue(e.getMessage().chars().noneMatch(Character::isISOControl), e.getMessage());
  }

  @Test
  void filesBeyond256KibibytesAreRefused() {
    String json = "{\"a\": \"" + "x".repeat(100) + "\"}";
    String padded = json + " ".repeat((1 << 18) - json.length());
    ModelConfig.read(TestFiles.write(folder, "ok.json", padded));
    Path large = TestFiles.write(folder, "large.json", padded + " ");
    refused(
        large + ": larger than the 262144 bytes that a configuration may have",
        () -> ModelConfig.read(large));
  }

  @Test
  void textThatIsNotUtf8IsRefused() {
    byte[] latin1 = "{\"é\": 1}".getBytes(StandardCharsets.ISO_8859_1);
    Path file = TestFiles.write(folder, "x.json", latin1);
    refused(file + ": not UTF-8", () -> ModelConfig.read(file));
  }

  @Test
  void missingFilesAndFoldersAreNamed() {
    refused(
        folder.resolve("none") + ": cannot be read: no such file",
        () -> ModelConfig.read(folder.resolve("none")));
    refused(folder + ": is a directory, not a JSON file", () -> ModelConfig.read(folder));
  }
}
