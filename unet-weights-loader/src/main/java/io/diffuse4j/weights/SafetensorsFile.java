package io.diffuse4j.weights;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A safetensors file, memory-mapped. Opening reads and checks the header only; a tensor's bytes are
 * read from disk when they are first used. The file must not shrink while it is open.
 *
 * <p>The mapping is never undone by hand, so no buffer can point at memory that is gone: {@link
 * #close()} lets go of it and the garbage collector unmaps it.
 */
public final class SafetensorsFile implements TensorSource {
  private static final int LENGTH_BYTES = 8;
  private static final String SHORTER = "the file became shorter while it was read";

  private final String origin;
  private final Map<String, HostTensor> tensors;
  private volatile boolean closed;

  private SafetensorsFile(String origin, Map<String, HostTensor> tensors) {
    this.origin = origin;
    this.tensors = tensors;
  }

  /**
   * Maps a file.
   *
   * @throws InvalidModelException if it cannot be read or is not a valid safetensors file
   */
  public static SafetensorsFile open(Path file) {
    String origin = file.toString();
    if (Files.isDirectory(file)) {
      throw new InvalidModelException(origin + ": is a directory, not a safetensors file");
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return new SafetensorsFile(origin, map(origin, channel));
    } catch (IOException e) {
      throw new InvalidModelException(origin + ": cannot be read: " + StrictJson.reason(e), e);
    }
  }

  private static Map<String, HostTensor> map(String origin, FileChannel channel)
      throws IOException {
    long size = channel.size();
    if (size < LENGTH_BYTES) {
      throw new InvalidModelException(
          origin + ": " + size + " bytes are too few for a safetensors file (file truncated?)");
    }
    long headerBytes = headerBytes(origin, channel, size);
    long dataStart = LENGTH_BYTES + headerBytes;
    // The header is streamed, not mapped: a file is mapped only once it is known to be valid.
    List<SafetensorsHeader.Entry> entries =
        SafetensorsHeader.parse(
            origin, new HeaderInputStream(channel, headerBytes), size - dataStart);
    return slice(channel, dataStart, entries);
  }

  private static long headerBytes(String origin, FileChannel channel, long size)
      throws IOException {
    ByteBuffer length = ByteBuffer.allocate(LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    while (length.hasRemaining()) {
      if (channel.read(length) < 0) {
        throw new EOFException(SHORTER);
      }
    }
    long headerBytes = length.getLong(0);
    if (headerBytes < 0 || headerBytes > SafetensorsHeader.MAX_BYTES) {
      throw new InvalidModelException(
          origin
              + ": not a safetensors file: header of "
              + Long.toUnsignedString(headerBytes)
              + " bytes, at most "
              + SafetensorsHeader.MAX_BYTES
              + " are allowed");
    }
    if (headerBytes > size - LENGTH_BYTES) {
      throw new InvalidModelException(
          origin
              + ": header of "
              + headerBytes
              + " bytes in a file of "
              + size
              + " (file truncated?)");
    }
    return headerBytes;
  }

  /** One mapping for as many consecutive tensors as fit the 2 GiB of a ByteBuffer. */
  private static Map<String, HostTensor> slice(
      FileChannel channel, long dataStart, List<SafetensorsHeader.Entry> entries)
      throws IOException {
    Map<String, HostTensor> tensors = new LinkedHashMap<>(entries.size() * 2);
    int next = 0;
    while (next < entries.size()) {
      long begin = entries.get(next).begin();
      int end = next;
      while (end < entries.size() && entries.get(end).end() - begin <= TensorSize.MAX_BYTES) {
        end++;
      }
      long length = entries.get(end - 1).end() - begin;
      ByteBuffer window = channel.map(FileChannel.MapMode.READ_ONLY, dataStart + begin, length);
      for (SafetensorsHeader.Entry entry : entries.subList(next, end)) {
        ByteBuffer bytes =
            window.slice((int) (entry.begin() - begin), (int) (entry.end() - entry.begin()));
        tensors.put(
            entry.name(), new HostTensor(entry.name(), entry.dtype(), entry.shape(), bytes));
      }
      next = end;
    }
    return tensors;
  }

  @Override
  public Set<String> names() {
    checkOpen();
    return Collections.unmodifiableSet(tensors.keySet());
  }

  @Override
  public boolean has(String name) {
    checkOpen();
    return tensors.containsKey(name);
  }

  @Override
  public HostTensor get(String name) {
    checkOpen();
    HostTensor tensor = tensors.get(name);
    if (tensor == null) {
      throw TensorNames.missing(this, name);
    }
    return tensor;
  }

  @Override
  public String origin() {
    return origin;
  }

  @Override
  public void close() {
    closed = true;
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException(origin + " is closed");
    }
  }

  /** The next bytes of a channel. Closing it leaves the channel open. */
  private static final class HeaderInputStream extends InputStream {
    private final InputStream in;
    private long remaining;

    HeaderInputStream(FileChannel channel, long length) {
      this.in = Channels.newInputStream(channel);
      this.remaining = length;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      if (remaining == 0) {
        return -1;
      }
      int count = in.read(into, offset, (int) Math.min(length, remaining));
      if (count < 0) {
        throw new EOFException(SHORTER);
      }
      remaining -= count;
      return count;
    }
  }
}
