package io.diffuse4j.weights;

/** Text from a file, made fit for a one-line message. */
final class Quote {
  private static final int MAX = 80;

  private Quote() {}

  /** In quotation marks, cut to 80 characters, control and lone surrogate characters escaped. */
  static String quote(String text) {
    StringBuilder out = new StringBuilder("\"");
    text.codePoints()
        .limit(MAX)
        .forEach(
            c -> {
              if (Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE) {
                out.append(String.format("\\u%04x", c));
              } else {
                out.appendCodePoint(c);
              }
            });
    return out.append(text.codePointCount(0, text.length()) > MAX ? "...\"" : "\"").toString();
  }
}
