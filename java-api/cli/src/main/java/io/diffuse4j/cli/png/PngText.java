package io.diffuse4j.cli.png;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A textual chunk of a PNG file.
 *
 * @param keyword 1 to 79 printable ASCII characters, no space at either end
 * @param text any text; what cannot be Latin-1 is stored as UTF-8
 */
public record PngText(String keyword, String text) {
  public PngText {
    if (!keyword.matches("[!-~](?:[ -~]{0,77}[!-~])?")) {
      throw new IllegalArgumentException(
          "keyword is \"" + keyword + "\"; it must be 1 to 79 printable ASCII characters");
    }
  }

  /** {@code tEXt}, or {@code iTXt} where Latin-1 does not do. */
  String type() {
    return isLatin1() ? "tEXt" : "iTXt";
  }

  /** The chunk's content. */
  byte[] content() {
    byte[] key = keyword.getBytes(StandardCharsets.ISO_8859_1);
    byte[] value = text.getBytes(isLatin1() ? StandardCharsets.ISO_8859_1 : StandardCharsets.UTF_8);
    // tEXt: the keyword's terminator; iTXt: also no compression, no language, no translation.
    int zeros = isLatin1() ? 1 : 5;
    byte[] content = Arrays.copyOf(key, key.length + zeros + value.length);
    System.arraycopy(value, 0, content, key.length + zeros, value.length);
    return content;
  }

  /** Whether tEXt can hold the text: printable Latin-1 and line feeds, by the specification. */
  private boolean isLatin1() {
    return text.chars().allMatch(c -> c == '\n' || (c >= 32 && c < 127) || (c >= 161 && c < 256));
  }
}
