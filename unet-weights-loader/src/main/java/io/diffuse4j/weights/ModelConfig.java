package io.diffuse4j.weights;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * A JSON configuration as diffusers and transformers write it. {@code NaN} and {@code Infinity} are
 * numbers, and a field that is null reads as one that is not there.
 *
 * <p>Every getter remembers that its field is known; {@link #warnUnknownFields} then reports the
 * others. A value of the wrong kind is an {@link InvalidModelException} with file, field, what was
 * expected and what was found. Not safe for use by several threads.
 */
public final class ModelConfig {
  private final String origin;
  private final String prefix;
  private final Map<String, Object> fields;
  private final Set<String> known = new TreeSet<>();

  private ModelConfig(String origin, String prefix, Map<String, Object> fields) {
    this.origin = origin;
    this.prefix = prefix;
    this.fields = fields;
  }

  /**
   * Reads a file of at most 256 KiB.
   *
   * @throws InvalidModelException if it cannot be read or is not one JSON object
   */
  public static ModelConfig read(Path file) {
    return new ModelConfig(file.toString(), "", JsonTree.read(file));
  }

  /** Parses a text; {@code origin} is what messages call it. */
  public static ModelConfig parse(String origin, String json) {
    byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
    return new ModelConfig(origin, "", JsonTree.parse(origin, bytes));
  }

  /** What messages call this configuration: the path of its file. */
  public String origin() {
    return origin;
  }

  /** The names of all fields, in the order of the file. */
  public Set<String> fieldNames() {
    return fields.keySet();
  }

  /** Whether the field is there and not null. */
  public boolean has(String field) {
    return value(field) != null;
  }

  /** Whether the field is there and says null, for the few fields to which null means something. */
  public boolean isNull(String field) {
    known.add(field);
    return fields.containsKey(field) && fields.get(field) == null;
  }

  public String string(String field, String defaultValue) {
    return optionalString(field).orElse(defaultValue);
  }

  public Optional<String> optionalString(String field) {
    Object value = value(field);
    if (value != null && !(value instanceof String)) {
      throw wrong(field, "a string", value);
    }
    return Optional.ofNullable((String) value);
  }

  public boolean bool(String field, boolean defaultValue) {
    Object value = value(field);
    if (value == null) {
      return defaultValue;
    }
    return asBoolean(field, value);
  }

  /** A number; it may be NaN or infinite. */
  public double number(String field, double defaultValue) {
    return optionalNumber(field).orElse(defaultValue);
  }

  public OptionalDouble optionalNumber(String field) {
    Object value = value(field);
    return value == null ? OptionalDouble.empty() : OptionalDouble.of(asNumber(field, value));
  }

  /** A whole number in {@code [min, max]}. */
  public int integer(String field, int defaultValue, int min, int max) {
    return optionalInteger(field, min, max).orElse(defaultValue);
  }

  /** A whole number in {@code [min, max]}, if the field is there. */
  public OptionalInt optionalInteger(String field, int min, int max) {
    Object value = value(field);
    return value == null ? OptionalInt.empty() : OptionalInt.of(asInteger(field, value, min, max));
  }

  /** A list of strings. */
  public List<String> strings(String field, List<String> defaultValue) {
    return list(
        field,
        "a list of strings",
        defaultValue,
        value -> {
          if (value instanceof String text) {
            return text;
          }
          throw wrong(field, "a list of strings", value);
        });
  }

  /** A list of whole numbers in {@code [min, max]}. */
  public List<Integer> integers(String field, List<Integer> defaultValue, int min, int max) {
    return list(
        field, "a list of whole numbers", defaultValue, value -> asInteger(field, value, min, max));
  }

  /** A list of numbers, which may be NaN or infinite. */
  public List<Double> numbers(String field, List<Double> defaultValue) {
    return list(field, "a list of numbers", defaultValue, value -> asNumber(field, value));
  }

  /**
   * A whole number, meant {@code count} times, or a list of {@code count} of them.
   *
   * @param countField the field that says how many there must be, for the message
   */
  public List<Integer> integerPerBlock(
      String field, int defaultValue, int min, int max, int count, String countField) {
    Object value = value(field);
    if (value instanceof List) {
      return sized(field, integers(field, List.of(), min, max), count, countField);
    }
    return Collections.nCopies(
        count, value == null ? defaultValue : asInteger(field, value, min, max));
  }

  /** A truth value, meant {@code count} times, or a list of {@code count} of them. */
  public List<Boolean> boolPerBlock(
      String field, boolean defaultValue, int count, String countField) {
    Object value = value(field);
    if (value instanceof List) {
      List<Boolean> list = list(field, "a list", List.of(), item -> asBoolean(field, item));
      return sized(field, list, count, countField);
    }
    return Collections.nCopies(count, value == null ? defaultValue : asBoolean(field, value));
  }

  /** A nested object; its unknown fields are its own to report. */
  public Optional<ModelConfig> object(String field) {
    Object value = value(field);
    if (value == null) {
      return Optional.empty();
    }
    if (!(value instanceof Map<?, ?> map)) {
      throw wrong(field, "an object", value);
    }
    @SuppressWarnings("unchecked") // JsonTree makes no other maps.
    Map<String, Object> object = (Map<String, Object>) map;
    return Optional.of(new ModelConfig(origin, prefix + field + ".", object));
  }

  /**
   * The field as it was parsed: a Map, List, String, Long, Double or Boolean, or null if it is null
   * or not there.
   */
  public Object raw(String field) {
    return value(field);
  }

  /**
   * Refuses a field that we know but do not implement unless it has the value that means what we
   * do: a String, Boolean or Number, or null for "not set". null and absence always pass.
   *
   * @throws InvalidModelException if the field has another value
   */
  public void requireDefault(String field, Object defaultValue) {
    Object value = value(field);
    boolean same =
        value == null
            || ((value instanceof Number a && defaultValue instanceof Number b)
                ? Double.compare(a.doubleValue(), b.doubleValue()) == 0
                : value.equals(defaultValue));
    if (!same) {
      throw invalid(
          field,
          JsonTree.describe(value)
              + " is not implemented, only "
              + (defaultValue == null ? "null" : JsonTree.describe(defaultValue)));
    }
  }

  /** Marks fields as known that need no reading, such as those that matter in training only. */
  public void ignore(String... names) {
    known.addAll(Arrays.asList(names));
  }

  /** Fields that no getter has asked for, without diffusers' own notes ({@code _class_name}...). */
  public Set<String> unknownFields() {
    return fields.keySet().stream()
        .filter(name -> !known.contains(name) && !name.startsWith("_"))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** Passes one warning on if there are unknown fields; call it once everything is read. */
  public void warnUnknownFields(Consumer<String> warnings) {
    Set<String> unknown = unknownFields();
    if (!unknown.isEmpty()) {
      warnings.accept(
          origin
              + ": ignored unknown fields: "
              + unknown.stream()
                  .limit(20)
                  .map(name -> Quote.quote(prefix + name))
                  .collect(Collectors.joining(", "))
              + (unknown.size() > 20 ? " and " + (unknown.size() - 20) + " more" : ""));
    }
  }

  /** The error that a field's value is not usable; {@code problem} completes "field X: ". */
  public InvalidModelException invalid(String field, String problem) {
    return new InvalidModelException(origin + ": field " + quoted(field) + ": " + problem);
  }

  /** The error that two fields contradict each other. */
  public InvalidModelException contradiction(String field, String other, String problem) {
    return new InvalidModelException(
        origin + ": fields " + quoted(field) + " and " + quoted(other) + ": " + problem);
  }

  private Object value(String field) {
    known.add(field);
    return fields.get(field);
  }

  private <T> List<T> list(
      String field, String expected, List<T> defaultValue, Function<Object, T> item) {
    Object value = value(field);
    if (value == null) {
      return defaultValue;
    }
    if (!(value instanceof List<?> values)) {
      throw wrong(field, expected, value);
    }
    List<T> items = new ArrayList<>(values.size());
    for (Object each : values) {
      if (each == null) {
        throw wrong(field, expected, null);
      }
      items.add(item.apply(each));
    }
    return List.copyOf(items);
  }

  private <T> List<T> sized(String field, List<T> list, int count, String countField) {
    if (list.size() != count) {
      throw contradiction(
          field, countField, "they list " + list.size() + " and " + count + " blocks");
    }
    return list;
  }

  private int asInteger(String field, Object value, int min, int max) {
    if (!(value instanceof Long number)) {
      throw wrong(field, "a whole number", value);
    }
    if (number < min || number > max) {
      throw wrong(field, "a whole number from " + min + " to " + max, value);
    }
    return number.intValue();
  }

  private double asNumber(String field, Object value) {
    if (!(value instanceof Number number)) {
      throw wrong(field, "a number", value);
    }
    return number.doubleValue();
  }

  private boolean asBoolean(String field, Object value) {
    if (!(value instanceof Boolean bool)) {
      throw wrong(field, "true or false", value);
    }
    return bool;
  }

  private InvalidModelException wrong(String field, String expected, Object found) {
    return invalid(field, "expected " + expected + ", found " + JsonTree.describe(found));
  }

  private String quoted(String field) {
    return Quote.quote(prefix + field);
  }
}
