package io.diffuse4j.weights;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * The JSON header of a safetensors file: {@code {"NAME": {"dtype": T, "shape": [..],
 * "data_offsets": [begin, end]}, ..., "__metadata__": {string: string}}}. Parsing checks
 * everything: what is returned covers the data section without gap or overlap.
 */
final class SafetensorsHeader {
  /** The limit of the format's reference implementation. */
  static final long MAX_BYTES = 100_000_000;

  /**
   * Far above any model (a large U-Net has some 2,000 tensors). What we keep of a tensor is larger
   * than the least that a header can say of it, so this bounds what a hostile header costs.
   */
  static final int MAX_TENSORS = 1 << 14;

  private static final int MAX_RANK = 16;

  /** One tensor: its bytes are [begin, end) of the data section. Never compared, never shared. */
  @SuppressWarnings("ArrayRecordComponent")
  record Entry(String name, TensorDType dtype, long[] shape, long begin, long end) {}

  private final String origin;
  private final long dataBytes;
  private final long[] numbers = new long[MAX_RANK];

  private SafetensorsHeader(String origin, long dataBytes) {
    this.origin = origin;
    this.dataBytes = dataBytes;
  }

  /**
   * The tensors of a header, in the order of their data.
   *
   * @param origin what messages call the file
   * @param in the header's bytes
   * @param dataBytes the bytes that follow the header
   */
  static List<Entry> parse(String origin, InputStream in, long dataBytes) {
    SafetensorsHeader header = new SafetensorsHeader(origin, dataBytes);
    List<Entry> entries;
    try (JsonParser json = StrictJson.parser(in, false)) {
      entries = header.entries(json);
    } catch (IOException e) {
      throw StrictJson.invalid(origin + ": header", e);
    }
    entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    header.checkCoverage(entries);
    return entries;
  }

  private List<Entry> entries(JsonParser json) throws IOException {
    List<Entry> entries = new ArrayList<>();
    // The format wants the brace to be the header's first byte.
    if (json.nextToken() != JsonToken.START_OBJECT
        || json.currentTokenLocation().getCharOffset() != 0) {
      throw invalid("not a safetensors file: the header does not start with a JSON object");
    }
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String name = json.currentName();
      json.nextToken();
      if (name.equals("__metadata__")) {
        skipMetadata(json);
        continue;
      }
      if (entries.size() == MAX_TENSORS) {
        throw invalid("more than " + MAX_TENSORS + " tensors");
      }
      checkName(name);
      entries.add(entry(name, json));
    }
    if (json.nextToken() != null) {
      throw invalid("text after the header's JSON object");
    }
    return entries;
  }

  private Entry entry(String name, JsonParser json) throws IOException {
    if (json.currentToken() != JsonToken.START_OBJECT) {
      throw invalid(name, "not an object with dtype, shape and data_offsets");
    }
    TensorDType dtype = null;
    long[] shape = null;
    long[] offsets = null;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      switch (field) {
        case "dtype" -> dtype = dtype(name, json);
        case "shape" -> shape = longs(name, field, json, MAX_RANK);
        case "data_offsets" -> offsets = longs(name, field, json, 2);
        default -> throw invalid(name, "unknown field " + quoted(field));
      }
    }
    if (dtype == null || shape == null || offsets == null) {
      throw invalid(name, "dtype, shape or data_offsets is missing");
    }
    if (offsets.length != 2) {
      throw invalid(name, "data_offsets has " + offsets.length + " numbers instead of 2");
    }
    checkEntry(name, dtype, shape, offsets[0], offsets[1]);
    return new Entry(name, dtype, shape, offsets[0], offsets[1]);
  }

  private void checkEntry(String name, TensorDType dtype, long[] shape, long begin, long end) {
    String offsets = "data_offsets [" + begin + ", " + end + "]";
    if (begin > end) {
      throw invalid(name, offsets + " end before they begin");
    }
    if (end > dataBytes) {
      throw invalid(
          name, offsets + " reach beyond the " + dataBytes + " bytes of data (file truncated?)");
    }
    long size;
    try {
      size = TensorSize.bytes(dtype, shape);
    } catch (IllegalArgumentException e) {
      throw new InvalidModelException(prefix(name) + e.getMessage(), e);
    }
    if (end - begin != size) {
      throw invalid(
          name,
          offsets
              + " hold "
              + (end - begin)
              + " bytes, but "
              + dtype
              + Arrays.toString(shape)
              + " takes "
              + size);
    }
    if (begin % dtype.alignment() != 0) {
      throw invalid(
          name, offsets + " are not aligned to the " + dtype.alignment() + " bytes of " + dtype);
    }
  }

  private void checkCoverage(List<Entry> sorted) {
    long covered = 0;
    String before = null;
    for (Entry entry : sorted) {
      if (entry.begin() < covered) {
        throw invalid(entry.name(), "data overlaps that of tensor " + quoted(before));
      }
      if (entry.begin() > covered) {
        throw invalid(
            entry.name(), (entry.begin() - covered) + " bytes before its data belong to no tensor");
      }
      covered = entry.end();
      before = entry.name();
    }
    if (covered != dataBytes) {
      throw invalid((dataBytes - covered) + " bytes at the end belong to no tensor");
    }
  }

  private TensorDType dtype(String name, JsonParser json) throws IOException {
    if (json.currentToken() != JsonToken.VALUE_STRING) {
      throw invalid(name, "dtype is not a string");
    }
    TensorDType dtype = TensorDType.byName(json.getText());
    if (dtype == null) {
      throw invalid(name, "unknown dtype " + quoted(json.getText()));
    }
    return dtype;
  }

  private long[] longs(String name, String field, JsonParser json, int max) throws IOException {
    if (json.currentToken() != JsonToken.START_ARRAY) {
      throw invalid(name, field + " is not a list");
    }
    int count = 0;
    while (json.nextToken() != JsonToken.END_ARRAY) {
      if (json.currentToken() != JsonToken.VALUE_NUMBER_INT
          || json.getNumberType() == JsonParser.NumberType.BIG_INTEGER
          || json.getLongValue() < 0) {
        throw invalid(name, field + " holds something other than whole numbers of 63 bits");
      }
      if (count == max) {
        throw invalid(name, field + " has more than " + max + " numbers");
      }
      numbers[count++] = json.getLongValue();
    }
    return Arrays.copyOf(numbers, count);
  }

  private void skipMetadata(JsonParser json) throws IOException {
    if (json.currentToken() != JsonToken.START_OBJECT) {
      throw invalid("__metadata__ is not an object");
    }
    int count = 0;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      if (json.nextToken() != JsonToken.VALUE_STRING) {
        throw invalid("__metadata__ holds something other than strings");
      }
      if (++count > MAX_TENSORS) {
        throw invalid("more than " + MAX_TENSORS + " entries in __metadata__");
      }
    }
  }

  private void checkName(String name) {
    if (name.isEmpty()) {
      throw invalid("a tensor has an empty name");
    }
    name.codePoints()
        .filter(c -> Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE)
        .findFirst()
        .ifPresent(
            c -> {
              throw invalid(
                  String.format("tensor name %s holds the character U+%04X", quoted(name), c));
            });
  }

  private InvalidModelException invalid(String message) {
    return new InvalidModelException(origin + ": " + message);
  }

  private InvalidModelException invalid(String tensor, String message) {
    return new InvalidModelException(prefix(tensor) + message);
  }

  private String prefix(String tensor) {
    return origin + ": tensor " + quoted(tensor) + ": ";
  }

  private static String quoted(String text) {
    return Quote.quote(text);
  }
}
