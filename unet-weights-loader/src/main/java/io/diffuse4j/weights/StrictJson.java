package io.diffuse4j.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;

/**
 * Token readers over hostile JSON: strict UTF-8 whatever the content looks like, no duplicate keys,
 * bounded nesting and lengths, nothing cached from one file to the next.
 */
final class StrictJson {
  /** Deeper than any file we read: a configuration nests 4 levels, a header 3. */
  static final int MAX_DEPTH = 16;

  private static final int MAX_NAME = 1024;
  private static final int MAX_STRING = 1 << 16;
  private static final int MAX_NUMBER = 64;

  private StrictJson() {}

  /** {@code nonNumeric}: whether NaN, Infinity and -Infinity are numbers, as Python writes them. */
  static JsonParser parser(InputStream in, boolean nonNumeric) throws IOException {
    JsonFactory factory =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxNameLength(MAX_NAME)
                    .maxStringLength(MAX_STRING)
                    .maxNumberLength(MAX_NUMBER)
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .configure(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS, nonNumeric)
            // Names come from the file: a table of them, kept or interned, would be the attacker's.
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .build();
    Reader reader =
        new InputStreamReader(
            in,
            StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT));
    return factory.createParser(reader);
  }

  /** {@code e}, thrown while reading {@code origin}, as the one exception for unusable files. */
  static InvalidModelException invalid(String origin, IOException e) {
    if (e instanceof CharacterCodingException) {
      return new InvalidModelException(origin + ": not UTF-8", e);
    }
    if (e instanceof JsonProcessingException json) {
      JsonLocation at = json.getLocation();
      String where =
          at == null ? "" : " (line " + at.getLineNr() + ", column " + at.getColumnNr() + ")";
      return new InvalidModelException(
          origin + ": not valid JSON: " + Quote.plain(plainMessage(json)) + where, e);
    }
    return new InvalidModelException(origin + ": cannot be read: " + reason(e), e);
  }

  /** Jackson's message without its remark on why it does not quote the source. */
  private static String plainMessage(JsonProcessingException e) {
    return String.valueOf(e.getOriginalMessage())
        .replaceAll("\\[Source: REDACTED \\([^)]*\\); ([^\\]]*)\\]", "$1");
  }

  /** What an I/O error says; the classes of java.nio say it in their names only. */
  static String reason(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "no such file";
    }
    if (e instanceof AccessDeniedException) {
      return "permission denied";
    }
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }
}
