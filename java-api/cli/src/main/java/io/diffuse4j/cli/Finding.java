package io.diffuse4j.cli;

/**
 * What a check of {@code doctor} found.
 *
 * @param level how bad it is
 * @param text what is there
 * @param advice what to do about it; empty where nothing is to be done
 */
record Finding(Level level, String text, String advice) {
  enum Level {
    /** As it should be. */
    OK,
    /** Something is missing that not everybody needs. */
    NOTE,
    /** Something does not work. */
    PROBLEM
  }

  static Finding ok(String text) {
    return new Finding(Level.OK, text, "");
  }

  static Finding note(String text, String advice) {
    return new Finding(Level.NOTE, text, advice);
  }

  static Finding problem(String text, String advice) {
    return new Finding(Level.PROBLEM, text, advice);
  }
}
