package io.diffuse4j.cli.png;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.zip.Adler32;

/**
 * Compresses into the zlib format (RFC 1950, RFC 1951) with runs of equal bytes and Huffman codes.
 *
 * <p>The reason to have it: {@link java.util.zip.Deflater} is whatever zlib the JDK was linked
 * with, and its bytes differ between them, while an image of ours has the same bytes on every JDK.
 * On filtered PNG rows runs and Huffman codes give most of what full matching gives; zlib's own
 * advice for PNG, Z_RLE, does the same.
 */
final class RunLengthDeflate {
  /** Symbols to a block: the header of a block, some 100 bytes, is then lost in it. */
  private static final int BLOCK_SYMBOLS = 1 << 15;

  private static final int END_OF_BLOCK = 256;
  private static final int FIRST_LENGTH_CODE = 257;
  private static final int LITERALS_AND_LENGTHS = 286;
  private static final int MIN_RUN = 3;
  private static final int MAX_RUN = 258;
  private static final int MAX_CODE_BITS = 15;
  private static final int MAX_CODE_LENGTH_BITS = 7;

  /** RFC 1951, section 3.2.5: the shortest run of each length code, and its extra bits. */
  private static final int[] RUN_BASE = {
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
    163, 195, 227, 258
  };

  private static final int[] RUN_EXTRA_BITS = {
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0
  };

  /** RFC 1951, section 3.2.7: the order in which code length code lengths are written. */
  private static final int[] CODE_LENGTH_ORDER = {
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15
  };

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private long bits;
  private int bitCount;

  private RunLengthDeflate() {}

  /** {@code data} as a zlib stream; the same bytes for the same data, always. */
  static byte[] zlib(byte[] data) {
    return new RunLengthDeflate().compress(data);
  }

  private byte[] compress(byte[] data) {
    out.write(0x78); // deflate with a window of 32 KiB
    out.write(0x01); // fastest level, and the check bits that make the pair a multiple of 31
    int[] block = new int[BLOCK_SYMBOLS];
    int count = 0;
    int at = 0;
    while (at < data.length) {
      int run = runLength(data, at);
      // A symbol is a byte, or 256 + the length of a run of the byte before it.
      block[count++] = run >= MIN_RUN ? 256 + run : data[at] & 0xff;
      at += Math.max(1, run);
      if (count == BLOCK_SYMBOLS) {
        writeBlock(block, count, at == data.length);
        count = 0;
      }
    }
    if (count > 0 || data.length == 0) {
      writeBlock(block, count, true);
    }
    write(0, -bitCount & 7);
    Adler32 adler = new Adler32();
    adler.update(data);
    for (int shift = 24; shift >= 0; shift -= 8) {
      out.write((int) (adler.getValue() >>> shift));
    }
    return out.toByteArray();
  }

  /**
   * How many bytes from {@code at} repeat the one before, as far as a symbol can say; 0 for few.
   */
  private static int runLength(byte[] data, int at) {
    if (at == 0) {
      return 0;
    }
    int end = at;
    int limit = Math.min(data.length, at + MAX_RUN);
    while (end < limit && data[end] == data[at - 1]) {
      end++;
    }
    return end - at < MIN_RUN ? 0 : end - at;
  }

  private void writeBlock(int[] block, int count, boolean last) {
    int[] frequencies = new int[LITERALS_AND_LENGTHS];
    frequencies[END_OF_BLOCK] = 1;
    boolean runs = false;
    for (int i = 0; i < count; i++) {
      runs |= block[i] > 255;
      frequencies[block[i] > 255 ? FIRST_LENGTH_CODE + runCode(block[i] - 256) : block[i]]++;
    }
    HuffmanCode code = new HuffmanCode(frequencies, MAX_CODE_BITS);
    write(last ? 1 : 0, 1);
    write(2, 2); // dynamic Huffman codes
    writeCodes(code, runs);
    for (int i = 0; i < count; i++) {
      writeSymbol(code, block[i]);
    }
    write(code.code(END_OF_BLOCK), code.length(END_OF_BLOCK));
  }

  private void writeSymbol(HuffmanCode code, int symbol) {
    if (symbol <= 255) {
      write(code.code(symbol), code.length(symbol));
      return;
    }
    int run = symbol - 256;
    int index = runCode(run);
    write(code.code(FIRST_LENGTH_CODE + index), code.length(FIRST_LENGTH_CODE + index));
    write(run - RUN_BASE[index], RUN_EXTRA_BITS[index]);
    write(0, 1); // distance code 0, "the byte before", the only one: its code word is one bit
  }

  private static int runCode(int run) {
    int index = Arrays.binarySearch(RUN_BASE, run);
    return index >= 0 ? index : -index - 2;
  }

  /** RFC 1951, section 3.2.7; zeros are run-length coded, other lengths are written one by one. */
  private void writeCodes(HuffmanCode code, boolean runs) {
    int[] lengths = new int[LITERALS_AND_LENGTHS + 1];
    for (int i = 0; i < LITERALS_AND_LENGTHS; i++) {
      lengths[i] = code.length(i);
    }
    lengths[LITERALS_AND_LENGTHS] = runs ? 1 : 0; // the one distance code
    int[] symbols = new int[lengths.length];
    int[] extras = new int[lengths.length];
    int count = 0;
    int at = 0;
    while (at < lengths.length) {
      int zeros = 0;
      while (at + zeros < lengths.length && lengths[at + zeros] == 0 && zeros < 138) {
        zeros++;
      }
      symbols[count] = zeros < 3 ? lengths[at] : zeros < 11 ? 17 : 18;
      extras[count++] = zeros < 3 ? 0 : zeros < 11 ? zeros - 3 : zeros - 11;
      at += zeros < 3 ? 1 : zeros;
    }
    int[] frequencies = new int[CODE_LENGTH_ORDER.length];
    for (int i = 0; i < count; i++) {
      frequencies[symbols[i]]++;
    }
    HuffmanCode lengthCode = new HuffmanCode(frequencies, MAX_CODE_LENGTH_BITS);
    write(LITERALS_AND_LENGTHS - 257, 5);
    write(0, 5); // one distance code
    write(CODE_LENGTH_ORDER.length - 4, 4);
    for (int symbol : CODE_LENGTH_ORDER) {
      write(lengthCode.length(symbol), 3);
    }
    for (int i = 0; i < count; i++) {
      write(lengthCode.code(symbols[i]), lengthCode.length(symbols[i]));
      write(extras[i], symbols[i] == 17 ? 3 : symbols[i] == 18 ? 7 : 0);
    }
  }

  private void write(int value, int count) {
    bits |= (long) value << bitCount;
    bitCount += count;
    while (bitCount >= 8) {
      out.write((int) bits);
      bits >>>= 8;
      bitCount -= 8;
    }
  }
}
