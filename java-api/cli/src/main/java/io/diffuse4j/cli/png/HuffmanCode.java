package io.diffuse4j.cli.png;

import java.util.Arrays;
import java.util.Comparator;
import java.util.PriorityQueue;

/** A canonical Huffman code as deflate wants it (RFC 1951, section 3.2.2). */
final class HuffmanCode {
  private final int[] lengths;
  private final int[] codes;

  /**
   * The best code for symbols that occur as often as {@code frequencies} says. The same frequencies
   * give the same code.
   *
   * @param limit the longest code word allowed; 2^limit must not be below the number of symbols
   */
  HuffmanCode(int[] frequencies, int limit) {
    int[] weights = frequencies.clone();
    int[] depths = depths(weights);
    while (Arrays.stream(depths).max().orElse(0) > limit) {
      // Flatter weights give a flatter tree. A zero stays zero and a positive weight positive.
      for (int i = 0; i < weights.length; i++) {
        weights[i] = (weights[i] + 1) / 2;
      }
      depths = depths(weights);
    }
    this.lengths = depths;
    this.codes = canonical(depths, limit);
  }

  /** Bits of the symbol's code word; 0 for a symbol that does not occur. */
  int length(int symbol) {
    return lengths[symbol];
  }

  /** The code word, its first bit lowest: deflate fills bytes from the low end. */
  int code(int symbol) {
    return codes[symbol];
  }

  /** A node of the tree; {@code order} breaks ties, so that the tree is always the same. */
  private record Node(long weight, int order, int symbol, Node left, Node right) {}

  private static int[] depths(int[] weights) {
    PriorityQueue<Node> queue =
        new PriorityQueue<>(Comparator.comparingLong(Node::weight).thenComparingInt(Node::order));
    for (int i = 0; i < weights.length; i++) {
      if (weights[i] > 0) {
        queue.add(new Node(weights[i], i, i, null, null));
      }
    }
    int[] depths = new int[weights.length];
    if (queue.size() == 1) {
      depths[queue.remove().symbol()] = 1; // a code word of no bits cannot be written
      return depths;
    }
    int order = weights.length;
    while (queue.size() > 1) {
      Node left = queue.remove();
      Node right = queue.remove();
      queue.add(new Node(left.weight() + right.weight(), order++, -1, left, right));
    }
    if (!queue.isEmpty()) {
      descend(queue.remove(), 0, depths);
    }
    return depths;
  }

  private static void descend(Node node, int depth, int[] depths) {
    if (node.left() == null) {
      depths[node.symbol()] = depth;
      return;
    }
    descend(node.left(), depth + 1, depths);
    descend(node.right(), depth + 1, depths);
  }

  private static int[] canonical(int[] lengths, int limit) {
    int[] counts = new int[limit + 1];
    for (int length : lengths) {
      counts[length]++;
    }
    counts[0] = 0;
    int[] next = new int[limit + 1];
    for (int bits = 1; bits <= limit; bits++) {
      next[bits] = (next[bits - 1] + counts[bits - 1]) << 1;
    }
    int[] codes = new int[lengths.length];
    for (int i = 0; i < codes.length; i++) {
      if (lengths[i] > 0) {
        codes[i] = Integer.reverse(next[lengths[i]]++) >>> (Integer.SIZE - lengths[i]);
      }
    }
    return codes;
  }
}
