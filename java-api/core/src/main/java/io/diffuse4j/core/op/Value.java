package io.diffuse4j.core.op;

/**
 * A tensor of a {@link Graph}: NHWC, dense but for its row stride, or a channel slice of one.
 * Tokens are [n, tokens, 1, c]; vectors [n, 1, 1, c].
 *
 * @param buffer which buffer of the graph it lives in; slices share their parent's
 * @param channelOffset first channel inside a row of the buffer
 * @param rowStride elements from one pixel of the buffer to the next
 */
public record Value(
    int buffer, int n, int h, int w, int c, int channelOffset, int rowStride, ElementType type) {

  /** Rows of the matrix that a linear layer sees: n * h * w. */
  public int rows() {
    return Math.multiplyExact(Math.multiplyExact(n, h), w);
  }

  /** h * w: pixels or tokens per sample. */
  public int tokens() {
    return h * w;
  }

  public long elements() {
    return (long) rows() * c;
  }

  /** Bytes of the whole buffer; only meaningful for a value that is not a slice. */
  public long bytes() {
    return (long) rows() * rowStride * type.bytes();
  }

  public boolean isSlice() {
    return rowStride != c;
  }

  /** Channels [from, from + count) of this value, without a copy. */
  public Value slice(int from, int count) {
    if (from < 0 || count < 1 || from + count > c) {
      throw new IllegalArgumentException(
          "channels [" + from + ", " + (from + count) + ") of a value with " + c);
    }
    return new Value(buffer, n, h, w, count, channelOffset + from, rowStride, type);
  }

  /** The same rows seen with another height and width. */
  public Value reshape(int newH, int newW) {
    if ((long) newH * newW != (long) h * w) {
      throw new IllegalArgumentException(
          h + "x" + w + " pixels cannot become " + newH + "x" + newW);
    }
    return new Value(buffer, n, newH, newW, c, channelOffset, rowStride, type);
  }
}
