package io.diffuse4j.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The values of options, checked. Every refusal is a {@link UsageException} with the option's name,
 * the value and the range.
 */
final class Arguments {
  private static final Pattern BYTES = Pattern.compile("([0-9]{1,18})([KMGT]?)B?");

  private Arguments() {}

  /** A whole number in {@code [min, max]}. */
  static long integer(String option, String text, long min, long max) {
    String range = "a whole number from " + min + " to " + max;
    long value;
    try {
      value = Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw wrong(option, text, range);
    }
    if (value < min || value > max) {
      throw wrong(option, text, range);
    }
    return value;
  }

  /** A whole number in {@code [min, max]}, which fit an int. */
  static int smallInteger(String option, String text, int min, int max) {
    return (int) integer(option, text, min, max);
  }

  /** A number in {@code [min, max]}; not NaN. */
  static double number(String option, String text, double min, double max) {
    String range = String.format(Locale.ROOT, "a number from %s to %s", plain(min), plain(max));
    double value;
    try {
      value = Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw wrong(option, text, range);
    }
    if (!(value >= min && value <= max)) {
      throw wrong(option, text, range);
    }
    return value;
  }

  private static String plain(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }

  /** Whole numbers in {@code [min, max]}, with commas between them. */
  static List<Integer> integers(String option, String text, int min, int max) {
    List<Integer> values = new ArrayList<>();
    for (String each : text.split(",", -1)) {
      try {
        values.add(smallInteger(option, each, min, max));
      } catch (UsageException e) {
        throw wrong(
            option, text, "whole numbers from " + min + " to " + max + " with commas between them");
      }
    }
    return values;
  }

  /** Bytes, with K, M, G or T for powers of 1024. */
  static long bytes(String option, String text) {
    Matcher matcher = BYTES.matcher(text.toUpperCase(Locale.ROOT));
    String range = "a number of bytes such as 500M or 2G, at least 1";
    if (!matcher.matches()) {
      throw wrong(option, text, range);
    }
    String unit = matcher.group(2);
    long factor = unit.isEmpty() ? 1 : 1L << (10 * (1 + "KMGT".indexOf(unit)));
    try {
      long value = Math.multiplyExact(Long.parseLong(matcher.group(1)), factor);
      if (value > 0) {
        return value;
      }
    } catch (ArithmeticException e) {
      throw wrong(option, text, range + " and below 8388608T");
    }
    throw wrong(option, text, range);
  }

  /** Options and their values again, without those whose value is null. */
  static List<String> given(String... optionsAndValues) {
    List<String> given = new ArrayList<>();
    for (int i = 0; i < optionsAndValues.length; i += 2) {
      if (optionsAndValues[i + 1] != null) {
        given.add(optionsAndValues[i]);
        given.add(optionsAndValues[i + 1]);
      }
    }
    return given;
  }

  /** The error that an option's value is not what it must be. */
  static UsageException wrong(String option, String value, String mustBe) {
    return new UsageException(option + " is '" + value + "'; it must be " + mustBe);
  }
}
