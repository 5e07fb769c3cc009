package io.diffuse4j.weights;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A small JSON file as Map, List, String, Long, Double, Boolean and null. A whole number beyond 64
 * bits becomes a Double.
 */
final class JsonTree {
  /** Configurations are a few KB; the longest known, with a trained beta per step, is 30 KB. */
  static final int MAX_FILE_BYTES = 1 << 18;

  private JsonTree() {}

  /** The object in a file of at most {@link #MAX_FILE_BYTES}. */
  static Map<String, Object> read(Path file) {
    String origin = file.toString();
    if (Files.isDirectory(file)) {
      throw new InvalidModelException(origin + ": is a directory, not a JSON file");
    }
    try (InputStream in = Files.newInputStream(file)) {
      // One byte more than allowed shows a longer file, even one that has no size, such as a pipe.
      byte[] bytes = in.readNBytes(MAX_FILE_BYTES + 1);
      if (bytes.length > MAX_FILE_BYTES) {
        throw new InvalidModelException(
            origin
                + ": larger than the "
                + MAX_FILE_BYTES
                + " bytes that a configuration may have");
      }
      return parse(origin, bytes);
    } catch (IOException e) {
      throw StrictJson.invalid(origin, e);
    }
  }

  /** The object in {@code bytes}. */
  static Map<String, Object> parse(String origin, byte[] bytes) {
    try (JsonParser json = StrictJson.parser(new ByteArrayInputStream(bytes), true)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw new InvalidModelException(origin + ": not a JSON object");
      }
      Map<String, Object> object = object(json);
      if (json.nextToken() != null) {
        throw new InvalidModelException(origin + ": text after the JSON object");
      }
      return object;
    } catch (IOException e) {
      throw StrictJson.invalid(origin, e);
    }
  }

  private static Map<String, Object> object(JsonParser json) throws IOException {
    Map<String, Object> object = new LinkedHashMap<>();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String name = json.currentName();
      json.nextToken();
      object.put(name, value(json));
    }
    return Collections.unmodifiableMap(object);
  }

  private static List<Object> list(JsonParser json) throws IOException {
    List<Object> list = new ArrayList<>();
    while (json.nextToken() != JsonToken.END_ARRAY) {
      list.add(value(json));
    }
    return Collections.unmodifiableList(list);
  }

  private static Object value(JsonParser json) throws IOException {
    return switch (json.currentToken()) {
      case START_OBJECT -> object(json);
      case START_ARRAY -> list(json);
      case VALUE_STRING -> json.getText();
      case VALUE_NUMBER_INT ->
          json.getNumberType() == JsonParser.NumberType.BIG_INTEGER
              ? (Object) json.getDoubleValue()
              : (Object) json.getLongValue();
      case VALUE_NUMBER_FLOAT -> json.getDoubleValue();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      default -> null;
    };
  }

  /** How a message names a value that is not what was expected. */
  static String describe(Object value) {
    if (value instanceof String text) {
      return "the string " + Quote.quote(text);
    }
    if (value instanceof List<?> list) {
      return "a list of " + list.size();
    }
    if (value instanceof Map) {
      return "an object";
    }
    return String.valueOf(value);
  }
}
