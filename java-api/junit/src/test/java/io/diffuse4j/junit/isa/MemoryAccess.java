package io.diffuse4j.junit.isa;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * One load or store.
 *
 * @param modifiers what stands before the type
 * @param count how many elements
 * @param type of an element
 * @param register bits of its register
 */
record MemoryAccess(String modifiers, int count, String type, int register) {
  static final List<String> TYPES =
      List.of(
          "b8", "u8", "s8", "b16", "u16", "s16", "b32", "u32", "s32", "f32", "b64", "u64", "s64",
          "f64");

  private static final int MAX_ACCESS = 16;

  int bytes() {
    return Integer.parseInt(type.substring(1)) / 8;
  }

  String registerKind() {
    return type.startsWith("f") ? type : "b" + register;
  }

  String text(String opcode) {
    return opcode + modifiers + (count > 1 ? ".v" + count : "") + "." + type;
  }

  String list(String prefix, int first) {
    if (count == 1) {
      return prefix + first;
    }
    return IntStream.range(first, first + count)
        .mapToObj(i -> prefix + i)
        .collect(Collectors.joining(", ", "{", "}"));
  }

  /** An element of memory as its register holds it: sign-extended, or with zeros. */
  long extended(long element) {
    int free = Long.SIZE - 8 * bytes();
    long value = type.startsWith("s") ? element << free >> free : element << free >>> free;
    return register == Long.SIZE ? value : value & ((1L << register) - 1);
  }

  /** Every type in every vector and every register that is wide enough. */
  static List<MemoryAccess> accesses(String modifiers) {
    List<MemoryAccess> list = new ArrayList<>();
    for (String type : TYPES) {
      int bits = Integer.parseInt(type.substring(1));
      for (int count : new int[] {1, 2, 4}) {
        for (int register : new int[] {16, 32, 64}) {
          boolean fits = register >= bits && count * bits / 8 <= MAX_ACCESS;
          if (fits && (!type.startsWith("f") || register == bits)) {
            list.add(new MemoryAccess(modifiers, count, type, register));
          }
        }
      }
    }
    return list;
  }
}
