package io.diffuse4j.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/**
 * Writes safetensors files. The same tensors give the same bytes whatever order they come in: data
 * is laid out by type, widest first, then by name, as the format's reference implementation does
 * it, so every tensor is aligned to its element; the header is padded so that the data starts at a
 * multiple of 8.
 */
public final class SafetensorsWriter {
  private static final int ALIGNMENT = 8;

  private SafetensorsWriter() {}

  /**
   * Writes {@code tensors} to {@code target}, whole or not at all: they go to a file beside it,
   * which then takes its place. On failure that file is removed and an older target is untouched.
   *
   * @throws IllegalArgumentException if two tensors have the same name, or one has a name that the
   *     format keeps for itself
   * @throws IOException if the file cannot be written
   */
  public static void write(Path target, Collection<HostTensor> tensors) throws IOException {
    List<HostTensor> sorted = new ArrayList<>(tensors);
    sorted.sort(Comparator.comparing(HostTensor::dtype).reversed().thenComparing(HostTensor::name));
    byte[] header = header(sorted);
    if (Files.isDirectory(target)) {
      throw new IOException(target + " is a directory");
    }
    Path folder = target.toAbsolutePath().getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw Files.exists(folder == null ? target : folder)
          ? new NotDirectoryException(String.valueOf(folder))
          : new NoSuchFileException(String.valueOf(folder), null, "no such directory");
    }
    Path partial = folder.resolve("." + target.getFileName() + "." + UUID.randomUUID() + ".tmp");
    try {
      writeAll(partial, header, sorted);
      move(partial, target);
    } finally {
      Files.deleteIfExists(partial); // gone already if it was moved
    }
  }

  private static void writeAll(Path file, byte[] header, List<HostTensor> tensors)
      throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      writeFully(channel, length.putLong(0, header.length));
      writeFully(channel, ByteBuffer.wrap(header));
      for (HostTensor tensor : tensors) {
        writeFully(channel, tensor.bytes());
      }
    }
  }

  private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private static void move(Path partial, Path target) throws IOException {
    try {
      Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(partial, target, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private static byte[] header(List<HostTensor> tensors) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Set<String> names = new HashSet<>();
    try (JsonGenerator json = new JsonFactory().createGenerator(bytes)) {
      json.writeStartObject();
      long offset = 0;
      for (HostTensor tensor : tensors) {
        if (tensor.name().equals("__metadata__") || !names.add(tensor.name())) {
          throw new IllegalArgumentException(
              "tensor name " + Quote.quote(tensor.name()) + " is used twice or reserved");
        }
        long end = offset + tensor.bytes().remaining();
        json.writeObjectFieldStart(tensor.name());
        json.writeStringField("dtype", tensor.dtype().name());
        json.writeFieldName("shape");
        long[] shape = tensor.shape();
        json.writeArray(shape, 0, shape.length);
        json.writeFieldName("data_offsets");
        json.writeArray(new long[] {offset, end}, 0, 2);
        json.writeEndObject();
        offset = end;
      }
      json.writeEndObject();
    }
    int padding = -bytes.size() & (ALIGNMENT - 1);
    byte[] header = Arrays.copyOf(bytes.toByteArray(), bytes.size() + padding);
    Arrays.fill(header, bytes.size(), header.length, (byte) ' ');
    return header;
  }
}
