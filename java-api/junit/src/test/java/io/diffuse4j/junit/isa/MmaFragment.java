package io.diffuse4j.junit.isa;

/**
 * Where a lane's elements of a matrix lie: PTX ISA, "Matrix Fragments for mma", formula by formula.
 *
 * @param elements of one lane
 * @param bits of an element
 */
record MmaFragment(int elements, int bits, Place row, Place column) {
  /** Of element i in thread t of group g: groupID and threadID_in_group. */
  interface Place {
    int of(int g, int t, int i);
  }

  private static final int REGISTER = 32;

  int registers() {
    return bits == Long.SIZE ? elements : elements * bits / REGISTER;
  }

  String register() {
    return bits == Long.SIZE ? "b64" : "b32";
  }

  /** The matrix's elements as this lane's registers hold them. */
  long register(int lane, int index, long[][] matrix) {
    int each = Math.max(1, REGISTER / bits);
    long value = 0;
    for (int e = 0; e < each; e++) {
      int i = index * each + e;
      long element = matrix[row.of(lane >> 2, lane & 3, i)][column.of(lane >> 2, lane & 3, i)];
      value |= (bits == Long.SIZE ? element : element & ((1L << bits) - 1)) << (e * bits);
    }
    return value;
  }

  /** Puts what a register holds into the matrix. */
  void scatter(int lane, int index, long value, long[][] matrix) {
    int each = Math.max(1, REGISTER / bits);
    for (int e = 0; e < each; e++) {
      int i = index * each + e;
      long element = bits == Long.SIZE ? value : value >>> (e * bits) & ((1L << bits) - 1);
      matrix[row.of(lane >> 2, lane & 3, i)][column.of(lane >> 2, lane & 3, i)] = element;
    }
  }

  static MmaFragment a(String shape, int bits) {
    Place first = (g, t, i) -> g;
    return switch (shape + " " + bits) {
      case "m8n8k4 64" -> new MmaFragment(1, bits, first, (g, t, i) -> t);
      case "m8n8k16 8" -> new MmaFragment(4, bits, first, (g, t, i) -> t * 4 + i);
      case "m8n8k32 4" -> new MmaFragment(8, bits, first, (g, t, i) -> t * 8 + i);
      case "m8n8k128 1" -> new MmaFragment(32, bits, first, (g, t, i) -> t * 32 + i);
      case "m16n8k4 32" ->
          new MmaFragment(2, bits, (g, t, i) -> i == 0 ? g : g + 8, (g, t, i) -> t);
      case "m16n8k8 16" ->
          new MmaFragment(4, bits, (g, t, i) -> i < 2 ? g : g + 8, (g, t, i) -> t * 2 + (i & 1));
      case "m16n8k8 32" ->
          new MmaFragment(
              4, bits, (g, t, i) -> i == 0 || i == 2 ? g : g + 8, (g, t, i) -> i < 2 ? t : t + 4);
      case "m16n8k16 16" ->
          new MmaFragment(
              8,
              bits,
              (g, t, i) -> i < 2 || (i >= 4 && i < 6) ? g : g + 8,
              (g, t, i) -> t * 2 + (i & 1) + (i < 4 ? 0 : 8));
      case "m16n8k16 8" ->
          new MmaFragment(8, bits, (g, t, i) -> i < 4 ? g : g + 8, (g, t, i) -> t * 4 + (i & 3));
      case "m16n8k32 4" ->
          new MmaFragment(16, bits, (g, t, i) -> i < 8 ? g : g + 8, (g, t, i) -> t * 8 + (i & 7));
      case "m16n8k32 8" ->
          new MmaFragment(
              16,
              bits,
              (g, t, i) -> i < 4 || (i >= 8 && i < 12) ? g : g + 8,
              (g, t, i) -> t * 4 + (i & 3) + (i < 8 ? 0 : 16));
      case "m16n8k64 4" ->
          new MmaFragment(
              32,
              bits,
              (g, t, i) -> i < 8 || (i >= 16 && i < 24) ? g : g + 8,
              (g, t, i) -> t * 8 + (i & 7) + (i < 16 ? 0 : 32));
      case "m16n8k128 1" ->
          new MmaFragment(
              64, bits, (g, t, i) -> i < 32 ? g : g + 8, (g, t, i) -> t * 32 + (i & 31));
      case "m16n8k256 1" ->
          new MmaFragment(
              128,
              bits,
              (g, t, i) -> i < 32 || (i >= 64 && i < 96) ? g : g + 8,
              (g, t, i) -> t * 32 + (i & 31) + (i < 64 ? 0 : 128));
      default -> throw new IllegalArgumentException(shape + " " + bits);
    };
  }

  static MmaFragment b(String shape, int bits) {
    Place group = (g, t, i) -> g;
    return switch (shape.substring(shape.indexOf('k')) + " " + bits) {
      case "k4 64", "k4 32" -> new MmaFragment(1, bits, (g, t, i) -> t, group);
      case "k8 32" -> new MmaFragment(2, bits, (g, t, i) -> i == 0 ? t : t + 4, group);
      case "k8 16" -> new MmaFragment(2, bits, (g, t, i) -> t * 2 + i, group);
      case "k16 16" ->
          new MmaFragment(4, bits, (g, t, i) -> t * 2 + (i & 1) + (i < 2 ? 0 : 8), group);
      case "k16 8" -> new MmaFragment(4, bits, (g, t, i) -> t * 4 + i, group);
      case "k32 8" ->
          new MmaFragment(8, bits, (g, t, i) -> t * 4 + (i & 3) + (i < 4 ? 0 : 16), group);
      case "k32 4" -> new MmaFragment(8, bits, (g, t, i) -> t * 8 + i, group);
      case "k64 4" ->
          new MmaFragment(16, bits, (g, t, i) -> t * 8 + (i & 7) + (i < 8 ? 0 : 32), group);
      case "k128 1" -> new MmaFragment(32, bits, (g, t, i) -> t * 32 + i, group);
      case "k256 1" ->
          new MmaFragment(64, bits, (g, t, i) -> t * 32 + (i & 31) + (i < 32 ? 0 : 128), group);
      default -> throw new IllegalArgumentException(shape + " " + bits);
    };
  }

  /** C and D. */
  static MmaFragment accumulator(String shape, int bits) {
    Place column = (g, t, i) -> t * 2 + (i & 1);
    return shape.startsWith("m8n8")
        ? new MmaFragment(2, bits, (g, t, i) -> g, column)
        : new MmaFragment(4, bits, (g, t, i) -> i < 2 ? g : g + 8, column);
  }
}
