package io.diffuse4j.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsWriterTest {
  @TempDir Path folder;

  private List<Path> filesIn() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  /** What the format's reference implementation writes for these two tensors. */
  @Test
  void theBytesAreThoseOfTheReferenceImplementation() throws IOException {
    Path file = folder.resolve("x.safetensors");
    SafetensorsWriter.write(
        file,
        List.of(
            HostTensor.of("image", new byte[] {1, 2, 3}, 3),
            HostTensor.of("a", new float[] {1f}, 1, 1)));
    String header =
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]},"
            + "\"image\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[4,7]}}";
    byte[] expectedHeader = header.getBytes(StandardCharsets.UTF_8);
    byte[] content = Files.readAllBytes(file);
    int length = (int) ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN).getLong();
    assertEquals(0, length % 8);
    assertEquals(header, new String(content, 8, length, StandardCharsets.UTF_8).stripTrailing());
    assertTrue(length - expectedHeader.length < 8);
    byte[] data = new byte[content.length - 8 - length];
    System.arraycopy(content, 8 + length, data, 0, data.length);
    assertArrayEquals(new byte[] {0, 0, (byte) 0x80, 0x3f, 1, 2, 3}, data);
  }

  @Test
  void whatIsWrittenIsReadBackWhateverTypeShapeAndName() throws IOException {
    Random random = new Random(11);
    Path file = folder.resolve("x.safetensors");
    for (int round = 0; round < 200; round++) {
      List<HostTensor> tensors = new ArrayList<>();
      for (TensorDType dtype : TensorDType.values()) {
        tensors.add(randomTensor(random, dtype));
      }
      Collections.shuffle(tensors, random);
      SafetensorsWriter.write(file, tensors);
      try (SafetensorsFile source = SafetensorsFile.open(file)) {
        assertEquals(tensors.size(), source.names().size());
        for (HostTensor tensor : tensors) {
          HostTensor read = source.get(tensor.name());
          assertEquals(tensor.dtype(), read.dtype());
          assertArrayEquals(tensor.shape(), read.shape());
          assertEquals(tensor.bytes(), read.bytes());
        }
      }
    }
  }

  private static HostTensor randomTensor(Random random, TensorDType dtype) {
    long[] shape = new long[random.nextInt(5)];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = random.nextInt(5);
    }
    if (dtype.bits() < 8) { // a shape that ends on a whole byte
      shape = new long[] {random.nextInt(5), 4};
    }
    byte[] bytes = new byte[(int) TensorSize.bytes(dtype, shape)];
    random.nextBytes(bytes);
    String name = dtype + ".\"\\é€😀/" + random.nextInt();
    return HostTensor.ofBytes(name, dtype, bytes, shape);
  }

  @Test
  void theOrderOfTheTensorsDoesNotMatter() throws IOException {
    Random random = new Random(3);
    List<HostTensor> tensors = new ArrayList<>();
    for (TensorDType dtype : TensorDType.values()) {
      tensors.add(randomTensor(random, dtype));
    }
    SafetensorsWriter.write(folder.resolve("a"), tensors);
    Collections.reverse(tensors);
    SafetensorsWriter.write(folder.resolve("b"), tensors);
    assertEquals(-1, Files.mismatch(folder.resolve("a"), folder.resolve("b")));
  }

  @Test
  void aTensorOfAFileCanBeWrittenBackOverThatFile() throws IOException {
    Path file = folder.resolve("x.safetensors");
    SafetensorsWriter.write(file, List.of(HostTensor.of("a", new float[] {1, 2}, 2)));
    try (SafetensorsFile source = SafetensorsFile.open(file)) {
      SafetensorsWriter.write(
          file, List.of(source.get("a"), HostTensor.of("b", new long[] {5}, 1)));
      assertArrayEquals(new float[] {1, 2}, source.get("a").toFloats());
    }
    try (SafetensorsFile source = SafetensorsFile.open(file)) {
      assertArrayEquals(new float[] {1, 2}, source.get("a").toFloats());
      assertArrayEquals(new long[] {5}, source.get("b").toLongs());
    }
  }

  @Test
  void namesThatAreUsedTwiceOrReservedAreRefusedAndNothingIsWritten() throws IOException {
    HostTensor a = HostTensor.of("a", new float[] {1}, 1);
    HostTensor reserved = HostTensor.of("__metadata__", new float[] {1}, 1);
    Path file = folder.resolve("x.safetensors");
    assertThrows(
        IllegalArgumentException.class, () -> SafetensorsWriter.write(file, List.of(a, a)));
    assertThrows(
        IllegalArgumentException.class, () -> SafetensorsWriter.write(file, List.of(reserved)));
    assertEquals(List.of(), filesIn());
  }

  @Test
  void placesThatCannotBeWrittenToAreNamedAndLeftAlone() throws IOException {
    List<HostTensor> tensors = List.of(HostTensor.of("a", new float[] {1}, 1));
    Path missing = folder.resolve("none").resolve("x.safetensors");
    IOException noFolder =
        assertThrows(IOException.class, () -> SafetensorsWriter.write(missing, tensors));
    assertTrue(noFolder.getMessage().contains("none"));
    assertThrows(IOException.class, () -> SafetensorsWriter.write(folder, tensors));
    Path file = TestFiles.write(folder, "file", "text");
    assertThrows(IOException.class, () -> SafetensorsWriter.write(file.resolve("x"), tensors));
    assertEquals(List.of(file), filesIn());
  }

  /** An interrupt makes the first write fail, when the temporary file is there already. */
  @Test
  void aFailureWhileWritingLeavesNoFileAndAnOlderTargetUntouched() throws IOException {
    Path file = TestFiles.write(folder, "x.safetensors", "older");
    List<HostTensor> tensors = List.of(HostTensor.of("a", new float[] {1}, 1));
    Thread.currentThread().interrupt();
    try {
      assertThrows(ClosedByInterruptException.class, () -> SafetensorsWriter.write(file, tensors));
    } finally {
      Thread.interrupted();
    }
    assertEquals(List.of(file), filesIn());
    assertEquals("older", Files.readString(file));
  }

  @Test
  void theDataStartsAtAMultipleOfEightWhateverTheHeadersLength() throws IOException {
    for (int length = 1; length <= 8; length++) {
      Path file = folder.resolve("x.safetensors");
      HostTensor tensor = HostTensor.of("n".repeat(length), new float[] {1}, 1);
      SafetensorsWriter.write(file, List.of(tensor));
      assertEquals(0, (Files.size(file) - Float.BYTES) % 8);
    }
  }
}
