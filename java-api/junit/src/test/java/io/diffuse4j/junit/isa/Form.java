package io.diffuse4j.junit.isa;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One instruction as a test runs it.
 *
 * @param declarations PTX that declares what its operands name
 * @param instruction opcode, modifiers and operands, without guard and semicolon
 */
record Form(String declarations, String instruction) {
  /** Modifiers whose order means something: result type before operand type. */
  private static final Set<String> TYPES =
      Set.of(
          ("pred b1 b8 b16 b32 b64 b128 u4 u8 u16 u32 u64 s4 s8 s16 s32 s64 f16 f16x2 bf16 bf16x2"
                  + " tf32 f32 f64")
              .split(" "));

  /** The instructions of a piece of PTX, without its labels, blocks and declarations. */
  static Stream<Form> of(String declarations, String ptx) {
    return Arrays.stream(ptx.split(";"))
        .map(s -> s.replaceFirst("^(\\s|[{}]|\\w+:)+", "").replaceFirst("^@\\S+\\s+", "").strip())
        .filter(s -> !s.isEmpty() && !s.startsWith("."))
        .map(s -> new Form(declarations, s));
  }

  String opcode() {
    return words().get(0);
  }

  /** Without their dots. */
  List<String> modifiers() {
    return words().subList(1, words().size());
  }

  String operands() {
    return instruction.substring(head().length());
  }

  /** The same for all orders in which the modifiers may be written. */
  String canonical() {
    return canonical(opcode(), modifiers());
  }

  static String canonical(String opcode, List<String> modifiers) {
    String types = modifiers.stream().filter(TYPES::contains).collect(Collectors.joining("."));
    TreeSet<String> others = new TreeSet<>(modifiers);
    others.removeAll(TYPES);
    return Stream.concat(Stream.of(opcode), Stream.concat(others.stream(), Stream.of(types)))
        .filter(s -> !s.isEmpty())
        .collect(Collectors.joining("."));
  }

  static boolean isType(String modifier) {
    return TYPES.contains(modifier);
  }

  /** The same operands with other modifiers. */
  Form with(List<String> modifiers) {
    String head =
        Stream.concat(Stream.of(opcode()), modifiers.stream()).collect(Collectors.joining("."));
    return new Form(declarations, head + operands());
  }

  /** Registers of one type's size become those of another's. */
  Form resized(String from, String to) {
    String resized =
        declarations.replaceAll("\\.reg \\.[bf]" + bits(from) + " ", ".reg .b" + bits(to) + " ");
    return new Form(resized, instruction);
  }

  /** What is left of the operands without names, and the sizes of the registers. */
  String shape() {
    String sizes = declarations.replaceAll("[^;]*\\.reg \\.(\\w+) [^;]*;", "$1 ");
    return operands().replaceAll("[%\\w]+", "x") + sizes.replaceAll("\\s+", " ");
  }

  /** The declarations without line ends. */
  String oneLine() {
    return declarations.replace('\n', ' ');
  }

  private static int bits(String type) {
    if (type.endsWith("x2") || type.equals("tf32")) {
      return 32;
    }
    String digits = type.replaceAll("\\D", "");
    return digits.isEmpty() ? 1 : Math.max(16, Integer.parseInt(digits));
  }

  private String head() {
    return instruction.split("\\s", 2)[0];
  }

  private List<String> words() {
    return List.of(head().split("\\."));
  }
}
