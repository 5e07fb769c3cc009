package io.diffuse4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressLineTest {
  private static final String WIPE = "\r\033[K";

  private final ByteArrayOutputStream terminal = new ByteArrayOutputStream();
  private final AtomicLong nanos = new AtomicLong();
  private final ProgressLine line =
      new ProgressLine(new PrintStream(terminal, true, StandardCharsets.UTF_8), nanos::get);

  private String drawn() {
    String text = terminal.toString(StandardCharsets.UTF_8);
    terminal.reset();
    return text;
  }

  private void pass(Duration time) {
    nanos.addAndGet(time.toNanos());
  }

  @Test
  void timeLeftIsWhatTheRestTakesAtThePaceSoFar() {
    pass(Duration.ofSeconds(30));
    line.onProgress(5, 20);
    assertEquals(WIPE + "[#######                       ] 5/20 network calls, 1:30 left", drawn());
    pass(Duration.ofHours(2));
    line.onProgress(10, 20);
    assertTrue(drawn().endsWith("10/20 network calls, 2:00:30 left"));
  }

  @Test
  void lineIsDrawnAtMostTenTimesASecondAndAtTheEnd() {
    line.onProgress(1, 100);
    assertTrue(drawn().contains("1/100"));
    pass(Duration.ofMillis(99));
    line.onProgress(2, 100);
    assertEquals("", drawn());
    pass(Duration.ofMillis(1));
    line.onProgress(3, 100);
    assertTrue(drawn().contains("3/100"));
    line.onProgress(100, 100);
    assertTrue(drawn().contains("[##############################] 100/100"));
    line.close();
    assertEquals(WIPE, drawn());
  }

  @Test
  void withoutATotalTheTimePassedIsShown() {
    pass(Duration.ofSeconds(65));
    line.onProgress(12, -1);
    assertEquals(WIPE + "12 network calls, 1:05", drawn());
  }

  @Test
  void nothingIsWipedThatWasNotDrawn() {
    line.close();
    assertEquals("", drawn());
  }
}
