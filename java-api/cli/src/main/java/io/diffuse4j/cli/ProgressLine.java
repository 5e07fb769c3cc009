package io.diffuse4j.cli;

import io.diffuse4j.core.engine.ProgressListener;
import java.io.PrintStream;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * A line on a terminal that fills up while a command works, with the time left, and is wiped when
 * the work ends. It has no thread of its own: it is drawn when a network call ends, at most ten
 * times a second.
 */
final class ProgressLine implements ProgressListener, AutoCloseable {
  private static final int WIDTH = 30;
  private static final long REDRAW_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** Carriage return, then "erase to the end of the line" (ECMA-48). */
  private static final String WIPE = "\r\033[K";

  private final PrintStream terminal;
  private final LongSupplier nanoTime;
  private final long start;
  private long drawn;
  private boolean visible;

  /**
   * @param terminal where the line is drawn
   * @param nanoTime a clock as {@link System#nanoTime()}
   */
  ProgressLine(PrintStream terminal, LongSupplier nanoTime) {
    this.terminal = terminal;
    this.nanoTime = nanoTime;
    this.start = nanoTime.getAsLong();
  }

  @Override
  public void onProgress(int done, int total) {
    long now = nanoTime.getAsLong();
    if (visible && now - drawn < REDRAW_NANOS && done != total) {
      return;
    }
    drawn = now;
    visible = true;
    terminal.print(WIPE + text(done, total, now - start));
    terminal.flush();
  }

  private static String text(int done, int total, long nanos) {
    if (total < 1) {
      return done + " network calls, " + clock(nanos);
    }
    int filled = (int) ((long) WIDTH * done / total);
    // The first call also pays for what is made once, so early figures are on the long side.
    long left = done == 0 ? 0 : (long) ((double) nanos / done * (total - done));
    return String.format(
        Locale.ROOT,
        "[%s%s] %d/%d network calls, %s left",
        "#".repeat(filled),
        " ".repeat(WIDTH - filled),
        done,
        total,
        clock(left));
  }

  private static String clock(long nanos) {
    long seconds = TimeUnit.NANOSECONDS.toSeconds(nanos);
    return seconds < 3600
        ? String.format(Locale.ROOT, "%d:%02d", seconds / 60, seconds % 60)
        : String.format(
            Locale.ROOT, "%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
  }

  /** Wipes the line. */
  @Override
  public void close() {
    if (visible) {
      terminal.print(WIPE);
      terminal.flush();
      visible = false;
    }
  }
}
