package io.diffuse4j.cli.png;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.zip.CRC32;

/**
 * Writes images as PNG (ISO/IEC 15948), 8 bits a sample, grey or RGB. The same image and texts give
 * the same bytes on every run, machine and JDK.
 */
public final class PngEncoder {
  private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  private static final int GREY = 0;
  private static final int RGB = 2;
  private static final int FILTERS = 5;

  private PngEncoder() {}

  /**
   * The bytes of a PNG file.
   *
   * @throws IllegalArgumentException if the image is empty, has neither 1 nor 3 channels, or is too
   *     large for one array
   */
  public static byte[] encode(Raster image, List<PngText> texts) {
    if (image.channels() != 1 && image.channels() != 3) {
      throw new IllegalArgumentException(
          "the image has " + image.channels() + " channels; a PNG takes 1 (grey) or 3 (RGB)");
    }
    if (image.width() < 1 || image.height() < 1) {
      throw new IllegalArgumentException("the image has no pixels");
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(SIGNATURE);
    ByteBuffer header = ByteBuffer.allocate(13).putInt(image.width()).putInt(image.height());
    header.put((byte) 8).put((byte) (image.channels() == 1 ? GREY : RGB));
    chunk(out, "IHDR", header.array()); // and 0: deflate, adaptive filters, not interlaced
    for (PngText text : texts) {
      chunk(out, text.type(), text.content());
    }
    chunk(out, "IDAT", RunLengthDeflate.zlib(filter(image)));
    chunk(out, "IEND", new byte[0]);
    return out.toByteArray();
  }

  private static void chunk(ByteArrayOutputStream out, String type, byte[] content) {
    byte[] name = type.getBytes(StandardCharsets.US_ASCII);
    CRC32 crc = new CRC32();
    crc.update(name);
    crc.update(content);
    out.writeBytes(ByteBuffer.allocate(4).putInt(content.length).array());
    out.writeBytes(name);
    out.writeBytes(content);
    out.writeBytes(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
  }

  /**
   * Each row behind the number of its filter: of the five, the one whose differences are smallest
   * in sum, which is what the specification suggests (section 12.7).
   */
  private static byte[] filter(Raster image) {
    int row = image.width() * image.channels();
    byte[] filtered = new byte[Math.multiplyExact(image.height(), Math.addExact(row, 1))];
    byte[] candidate = new byte[row];
    for (int y = 0; y < image.height(); y++) {
      int at = y * (row + 1);
      long best = Long.MAX_VALUE;
      for (int filter = 0; filter < FILTERS; filter++) {
        long sum = filterRow(image, y, filter, candidate);
        if (sum < best) {
          best = sum;
          filtered[at] = (byte) filter;
          System.arraycopy(candidate, 0, filtered, at + 1, row);
        }
      }
    }
    return filtered;
  }

  /** Fills {@code out} and gives the sum of its absolute values, as signed bytes. */
  private static long filterRow(Raster image, int y, int filter, byte[] out) {
    byte[] pixels = image.samples();
    int step = image.channels();
    int start = y * out.length;
    long sum = 0;
    for (int i = 0; i < out.length; i++) {
      int left = i < step ? 0 : pixels[start + i - step] & 0xff;
      int up = y == 0 ? 0 : pixels[start + i - out.length] & 0xff;
      int upLeft = y == 0 || i < step ? 0 : pixels[start + i - out.length - step] & 0xff;
      int predicted =
          switch (filter) {
            case 0 -> 0;
            case 1 -> left;
            case 2 -> up;
            case 3 -> (left + up) / 2;
            default -> paeth(left, up, upLeft);
          };
      out[i] = (byte) (pixels[start + i] - predicted);
      sum += Math.abs(out[i]);
    }
    return sum;
  }

  /** Whichever of the three is closest to left + up - upLeft (section 9.4). */
  private static int paeth(int left, int up, int upLeft) {
    int estimate = left + up - upLeft;
    int toLeft = Math.abs(estimate - left);
    int toUp = Math.abs(estimate - up);
    int toUpLeft = Math.abs(estimate - upLeft);
    if (toLeft <= toUp && toLeft <= toUpLeft) {
      return left;
    }
    return toUp <= toUpLeft ? up : upLeft;
  }
}
