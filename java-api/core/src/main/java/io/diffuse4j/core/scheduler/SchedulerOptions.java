package io.diffuse4j.core.scheduler;

import io.diffuse4j.weights.ModelConfig;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Options as {@code field=value}, with values as JSON writes them or plain words. */
final class SchedulerOptions {
  private static final Pattern FIELD = Pattern.compile("[A-Za-z][A-Za-z0-9_]*");
  private static final Pattern LITERAL =
      Pattern.compile(
          "-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
              + "|true|false|NaN|-?Infinity|\\[[-+0-9.eE, ]*\\]");

  private SchedulerOptions() {}

  static ModelConfig parse(List<String> options) {
    Map<String, String> fields = new LinkedHashMap<>();
    for (String option : options) {
      int equals = option.indexOf('=');
      String field = equals < 0 ? option : option.substring(0, equals).strip();
      if (equals < 0 || !FIELD.matcher(field).matches()) {
        throw new IllegalArgumentException(
            "a scheduler option is FIELD=VALUE, such as use_karras_sigmas=true, not '"
                + option
                + "'");
      }
      if (fields.put(field, json(option.substring(equals + 1).strip())) != null) {
        throw new IllegalArgumentException("scheduler option " + field + " is given twice");
      }
    }
    return ModelConfig.parse(
        "scheduler options",
        fields.entrySet().stream()
            .map(e -> "\"" + e.getKey() + "\": " + e.getValue())
            .collect(Collectors.joining(", ", "{", "}")));
  }

  private static String json(String value) {
    if (value.equals("True") || value.equals("False")) {
      return value.toLowerCase(Locale.ROOT); // as Python writes them
    }
    if (LITERAL.matcher(value).matches()) {
      return value;
    }
    StringBuilder text = new StringBuilder("\"");
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c < ' ' || c == '"' || c == '\\') {
        text.append(String.format("\\u%04x", (int) c));
      } else {
        text.append(c);
      }
    }
    return text.append('"').toString();
  }
}
