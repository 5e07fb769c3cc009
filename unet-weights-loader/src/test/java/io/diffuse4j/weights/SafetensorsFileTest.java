package io.diffuse4j.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsFileTest {
  @TempDir Path folder;

  private String refused(byte[] content) {
    Path file = TestFiles.write(folder, "bad.safetensors", content);
    InvalidModelException e =
        assertThrows(InvalidModelException.class, () -> SafetensorsFile.open(file).close());
    assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
    return e.getMessage();
  }

  private void refused(String header, int dataBytes, String message) {
    String found = refused(TestFiles.safetensors(header, dataBytes));
    assertTrue(found.contains(message), found);
  }

  @Test
  void tensorsAreReadInPlace() {
    byte[] data = new byte[20];
    ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).putFloat(0, 1.5f).putLong(8, -7);
    String header =
        "{\"__metadata__\":{\"format\":\"pt\"},"
            + "\"a.b\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"
            + "\"n\":{\"shape\":[],\"data_offsets\":[8,16],\"dtype\":\"I64\"},"
            + "\"u\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[16,20]},"
            + "\"e\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[8,8]}}   ";
    byte[] bytes = TestFiles.safetensors(header.getBytes(StandardCharsets.UTF_8), data);
    try (SafetensorsFile file =
        SafetensorsFile.open(TestFiles.write(folder, "x.safetensors", bytes))) {
      assertEquals(List.of("a.b", "e", "n", "u"), List.copyOf(file.names()));
      assertArrayEquals(new float[] {1.5f, 0}, file.get("a.b").toFloats());
      assertArrayEquals(new long[] {2, 1}, file.get("a.b").shape());
      assertArrayEquals(new long[] {-7}, file.get("n").toLongs());
      assertEquals(0, file.get("e").elementCount());
      assertTrue(file.get("u").bytes().isDirect());
      assertTrue(file.has("u"));
      assertFalse(file.has("__metadata__"));
    }
  }

  @Test
  void aFileWithoutTensorsIsValid() {
    Path file = TestFiles.write(folder, "x.safetensors", TestFiles.safetensors("{}", 0));
    try (SafetensorsFile source = SafetensorsFile.open(file)) {
      assertTrue(source.names().isEmpty());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[0,9] | 8 | 'reach beyond the 8 bytes of data (file truncated?)'",
        "[0,8] | 7 | 'reach beyond the 7 bytes'",
        "[0,8] | 9 | '1 bytes at the end belong to no tensor'",
        "[1,9] | 9 | 'are not aligned to the 4 bytes of F32'",
        "[4,12] | 12 | '4 bytes before its data belong to no tensor'",
        "[8,0] | 8 | 'end before they begin'",
        "[0,4] | 4 | 'hold 4 bytes, but F32[2] takes 8'",
        "[0] | 8 | 'data_offsets has 1 numbers instead of 2'",
        "[0,8,8] | 8 | 'data_offsets has more than 2 numbers'",
        "[-8,0] | 8 | 'something other than whole numbers of 63 bits'",
        "[0,8.0] | 8 | 'something other than whole numbers'",
        "[0,18446744073709551616] | 8 | 'something other than whole numbers'",
        "8 | 8 | 'data_offsets is not a list'",
        "null | 8 | 'data_offsets is not a list'",
      })
  void offsetsThatDoNotFitAreRefused(String offsets, int dataBytes, String message) {
    refused(
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":" + offsets + "}}",
        dataBytes,
        message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[4294967296,4294967296] | 'has more than'",
        "[9223372036854775807,9223372036854775807,4] | 'has more than'",
        "[3000000000] | 'has more than'",
        "[1000000000] | 'is larger than'",
        "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2] | 'shape has more than 16 numbers'",
        "[[2]] | 'something other than whole numbers'",
        "[2 | 'something other than whole numbers'",
        "\"2\" | 'shape is not a list'",
        "[true] | 'something other than whole numbers'",
        "[NaN] | 'not valid JSON'",
      })
  void shapesThatDoNotFitAreRefused(String shape, String message) {
    refused(
        "{\"t\":{\"dtype\":\"F32\",\"shape\":" + shape + ",\"data_offsets\":[0,8]}}", 8, message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'{\"t\":{\"dtype\":\"F33\",\"shape\":[2],\"data_offsets\":[0,8]}}' | unknown dtype \"F33\"",
        "'{\"t\":{\"dtype\":\"f32\",\"shape\":[2],\"data_offsets\":[0,8]}}' | unknown dtype \"f32\"",
        "'{\"t\":{\"dtype\":7,\"shape\":[2],\"data_offsets\":[0,8]}}' | dtype is not a string",
        "'{\"t\":{\"shape\":[2],\"data_offsets\":[0,8]}}' | 'dtype, shape or data_offsets is'",
        "'{\"t\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,8]}}' | a whole byte",
        "'{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}' | unknown field",
        "'{\"t\":[]}' | not an object with dtype",
        "'{\"t\":null}' | not an object with dtype",
        "'{\"\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}' | empty name",
        "'{\"a\\n\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}' | U+000A",
        "'{\"\\ud800\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}' | Broken surrogate pair",
        "'{\"__metadata__\":{\"a\":1}}' | something other than strings",
        "'{\"__metadata__\":[]}' | __metadata__ is not an object",
        "'{}{}' | text after the header",
        "'[]' | does not start with a JSON object",
        "' {}' | does not start with a JSON object",
        "'{\"t\":' | not valid JSON",
      })
  void headersThatSaySomethingElseAreRefused(String header, String message) {
    refused(header, 8, message);
  }

  @Test
  void overlappingTensorsAreRefused() {
    String entry = "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":";
    refused("{\"a\":" + entry + "[0,8]},\"b\":" + entry + "[4,12]}}", 12, "overlaps that of");
    refused("{\"a\":" + entry + "[0,8]},\"b\":" + entry + "[0,8]}}", 8, "overlaps that of");
    refused("{\"a\":" + entry + "[0,8]},\"b\":" + entry + "[12,20]}}", 20, "belong to no tensor");
  }

  @Test
  void duplicateKeysAreRefused() {
    String entry = "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}";
    refused("{\"a\":" + entry + ",\"a\":" + entry + "}", 4, "Duplicate");
    refused("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 4, "Duplicate");
    refused("{\"__metadata__\":{\"k\":\"v\",\"k\":\"v\"}}", 0, "Duplicate");
    refused("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "Duplicate");
  }

  @Test
  void bytesThatAreNotUtf8AreRefused() {
    byte[][] bad = {
      {(byte) 0xff}, // never occurs
      {(byte) 0xc0, (byte) 0x80}, // overlong NUL
      {(byte) 0xed, (byte) 0xa0, (byte) 0x80}, // a surrogate
      {(byte) 0xe2, (byte) 0x82} // cut short
    };
    for (byte[] name : bad) {
      ByteBuffer header = ByteBuffer.allocate(60);
      header.put("{\"".getBytes(StandardCharsets.UTF_8)).put(name);
      header.put(
          "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"
              .getBytes(StandardCharsets.UTF_8));
      byte[] content =
          TestFiles.safetensors(Arrays.copyOf(header.array(), header.position()), new byte[0]);
      assertTrue(refused(content).contains("not UTF-8"));
    }
    byte[] utf16 = "{}".getBytes(StandardCharsets.UTF_16LE);
    refused(TestFiles.safetensors(utf16, new byte[0]));
  }

  @Test
  void deepNestingIsRefused() {
    String deep = "[".repeat(100_000);
    refused("{\"t\":{\"shape\":" + deep, 0, "something other than whole numbers");
    refused("{\"t\":{\"x\":" + deep, 0, "unknown field");
  }

  @ParameterizedTest
  @ValueSource(longs = {3, 1 << 20, 100_000_001, Long.MAX_VALUE, -1, Long.MIN_VALUE})
  void headerLengthsBeyondTheFileAreRefused(long length) {
    byte[] content = TestFiles.safetensors("{}", 0);
    ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
    assertTrue(refused(content).contains("header of " + Long.toUnsignedString(length)));
  }

  @Test
  void everyTruncationIsRefused() {
    String entry = "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}";
    byte[] whole = TestFiles.safetensors("{\"a\":" + entry + "}", 8);
    for (int length = 0; length < whole.length; length++) {
      refused(Arrays.copyOf(whole, length));
    }
  }

  @Test
  void moreTensorsThanAnyModelHasAreRefused() {
    StringBuilder header = new StringBuilder("{");
    for (int i = 0; i <= SafetensorsHeader.MAX_TENSORS; i++) {
      header.append(i == 0 ? "\"" : ",\"").append(i);
      header.append("\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}");
    }
    refused(header.append("}").toString(), 0, "more than 16384 tensors");
  }

  @Test
  void longMetadataIsSkipped() {
    String header = "{\"__metadata__\":{\"log\":\"" + "x".repeat(1 << 20) + "\"}}";
    Path path = TestFiles.write(folder, "x.safetensors", TestFiles.safetensors(header, 0));
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertTrue(file.names().isEmpty());
    }
  }

  @Test
  void missingFilesAndFoldersAreNamed() {
    InvalidModelException missing =
        assertThrows(
            InvalidModelException.class, () -> SafetensorsFile.open(folder.resolve("none")));
    assertTrue(missing.getMessage().endsWith("none: cannot be read: no such file"));
    InvalidModelException directory =
        assertThrows(InvalidModelException.class, () -> SafetensorsFile.open(folder));
    assertTrue(directory.getMessage().contains("is a directory"));
  }

  @Test
  void unreadableFilesAreNamed() throws IOException {
    Path file = TestFiles.write(folder, "x.safetensors", TestFiles.safetensors("{}", 0));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("---------"));
    Assumptions.assumeFalse(Files.isReadable(file), "this user may read everything");
    InvalidModelException e =
        assertThrows(InvalidModelException.class, () -> SafetensorsFile.open(file));
    assertTrue(e.getMessage().contains("permission denied"));
  }

  @Test
  void useAfterCloseIsAnErrorAndTensorsStayValid() {
    String header = "{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    SafetensorsFile file =
        SafetensorsFile.open(
            TestFiles.write(folder, "x.safetensors", TestFiles.safetensors(header, 8)));
    HostTensor tensor = file.get("t");
    file.close();
    file.close();
    assertThrows(IllegalStateException.class, () -> file.get("t"));
    assertThrows(IllegalStateException.class, () -> file.has("t"));
    assertThrows(IllegalStateException.class, file::names);
    System.gc();
    assertArrayEquals(new float[] {0, 0}, tensor.toFloats());
  }

  /** 5 GiB that take no room on disk: each tensor alone fits a buffer, no two do. */
  @Test
  void filesBeyondTwoGibibytesAreMappedInParts() throws IOException {
    long size = 1_700_000_000L;
    String entry = "{\"dtype\":\"U8\",\"shape\":[" + size + "],\"data_offsets\":";
    StringBuilder header = new StringBuilder("{");
    for (int i = 0; i < 3; i++) {
      header.append(i == 0 ? "" : ",").append("\"t").append(i).append("\":").append(entry);
      header.append("[" + i * size + "," + (i + 1) * size + "]}");
    }
    byte[] start = TestFiles.safetensors(header.append("}").toString(), 0);
    Path path = TestFiles.write(folder, "x.safetensors", start);
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.setLength(start.length + 3 * size);
      for (int i = 0; i < 3; i++) {
        file.seek(start.length + (i + 1) * size - 1);
        file.write(i + 1);
      }
    }
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      for (int i = 0; i < 3; i++) {
        ByteBuffer bytes = file.get("t" + i).bytes();
        assertEquals(size, bytes.remaining());
        assertEquals(i + 1, bytes.get((int) size - 1));
        assertEquals(0, bytes.get(0));
      }
    }
  }

  @Test
  void aMissingTensorIsReportedWithTheClosestNames() {
    String entry = "{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
    String header = "{\"conv_in.weight\":" + entry + ",\"conv_in.bias\":" + entry + "}";
    Path path = TestFiles.write(folder, "x.safetensors", TestFiles.safetensors(header, 0));
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      InvalidModelException e =
          assertThrows(InvalidModelException.class, () -> file.get("conv_in.weights"));
      assertEquals(
          path + ": no tensor \"conv_in.weights\"; the closest: \"conv_in.weight\"",
          e.getMessage());
      InvalidModelException none = assertThrows(InvalidModelException.class, () -> file.get("z"));
      assertEquals(path + ": no tensor \"z\"", none.getMessage());
    }
  }
}
