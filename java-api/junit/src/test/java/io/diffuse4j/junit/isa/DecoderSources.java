package io.diffuse4j.junit.isa;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The decoder takes modifiers one by one, in code: its sources are the only list of its opcodes and
 * of the words it knows.
 */
final class DecoderSources {
  private static final Path FOLDER =
      Path.of(System.getProperty("basedir", "."), "../../native/src/main/cpp/vgpu/translate");
  private static final Pattern FAMILY = Pattern.compile("\\{\"(\\w+)\", &Translator::(\\w+)\\}");
  private static final Pattern FUNCTION =
      Pattern.compile(
          "^(?:[\\w:<>*&, ]+ )(?:Translator::)?(\\w+)\\([^;]*?\\{$(.*?)^\\}",
          Pattern.MULTILINE | Pattern.DOTALL);
  private static final Pattern TAKE = Pattern.compile("\\btake\\w*\\(([^;]*?)\\)");
  private static final Pattern WORD = Pattern.compile("\"([A-Za-z0-9_:]+)\"");
  private static final Pattern CALL = Pattern.compile("(?<![.>\\w])(\\w+)\\(");

  private static final Map<String, String> OPCODES = new TreeMap<>();
  private static final Map<String, String> BODIES = new TreeMap<>();
  private static final Map<String, Set<String>> WORDS = new TreeMap<>();
  private static final Map<String, Set<String>> REACHED = new TreeMap<>();

  static {
    try (Stream<Path> files = Files.list(FOLDER)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".cpp")).sorted().toList()) {
        read(Files.readString(file));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    OPCODES.forEach((opcode, function) -> reach(function, opcode));
  }

  private DecoderSources() {}

  /** From opcode to the function that decodes it. */
  static Map<String, String> opcodes() {
    return OPCODES;
  }

  /** Functions that take modifiers: the words of each. */
  static Map<String, Set<String>> words() {
    return WORDS;
  }

  /** The opcodes whose decoding reaches a function. */
  static Set<String> opcodesOf(String function) {
    return REACHED.getOrDefault(function, Set.of());
  }

  /** All words that the decoding of an opcode may take. */
  static Set<String> wordsOf(String opcode) {
    return WORDS.entrySet().stream()
        .filter(e -> opcodesOf(e.getKey()).contains(opcode))
        .flatMap(e -> e.getValue().stream())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static void read(String source) {
    Matcher family = FAMILY.matcher(source);
    while (family.find()) {
      OPCODES.put(family.group(1), family.group(2));
    }
    Matcher function = FUNCTION.matcher(source);
    while (function.find()) {
      BODIES.merge(function.group(1), function.group(2), String::concat);
    }
  }

  private static void reach(String function, String opcode) {
    String body = BODIES.get(function);
    if (body == null || !REACHED.computeIfAbsent(function, k -> new TreeSet<>()).add(opcode)) {
      return;
    }
    Matcher take = TAKE.matcher(body);
    while (take.find()) {
      Matcher word = WORD.matcher(take.group(1));
      while (word.find()) {
        WORDS.computeIfAbsent(function, k -> new TreeSet<>()).add(word.group(1));
      }
    }
    Matcher call = CALL.matcher(body);
    while (call.find()) {
      reach(call.group(1), opcode);
    }
  }
}
