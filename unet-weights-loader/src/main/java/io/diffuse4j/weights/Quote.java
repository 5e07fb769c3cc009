package io.diffuse4j.weights;

/** Text from a file, made fit for a one-line message. */
final class Quote {
  private static final int MAX_QUOTED = 80;
  private static final int MAX_PLAIN = 400;

  private Quote() {}

  /** In quotation marks, cut to 80 characters and escaped. */
  static String quote(String text) {
    return "\"" + escape(text, MAX_QUOTED) + "\"";
  }

  /** Somebody else's message, which may contain text from the file: cut and escaped. */
  static String plain(String message) {
    return escape(message, MAX_PLAIN);
  }

  /** Control, separator and lone surrogate characters become escapes: they are no plain text. */
  private static String escape(String text, int max) {
    StringBuilder out = new StringBuilder();
    text.codePoints()
        .limit(max)
        .forEach(
            c -> {
              int type = Character.getType(c);
              if (Character.isISOControl(c)
                  || type == Character.SURROGATE
                  || type == Character.LINE_SEPARATOR
                  || type == Character.PARAGRAPH_SEPARATOR) {
                out.append(String.format("\\u%04x", c));
              } else {
                out.appendCodePoint(c);
              }
            });
    return text.codePointCount(0, text.length()) > max ? out + "..." : out.toString();
  }
}
