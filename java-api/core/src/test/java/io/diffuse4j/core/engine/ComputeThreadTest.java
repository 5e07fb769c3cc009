package io.diffuse4j.core.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class ComputeThreadTest {
  @Test
  void allTasksOfManyThreadsRunOneAtATimeOnOneThread() throws InterruptedException {
    try (ComputeThread compute = new ComputeThread("compute")) {
      int[] counter = new int[1];
      Set<Thread> seen = ConcurrentHashMap.newKeySet();
      List<Thread> callers = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        Thread caller =
            new Thread(
                () -> {
                  for (int k = 0; k < 500; k++) {
                    compute.run(
                        () -> {
                          seen.add(Thread.currentThread());
                          counter[0]++; // unsynchronised: only right if tasks never overlap
                        });
                  }
                });
        callers.add(caller);
        caller.start();
      }
      for (Thread caller : callers) {
        caller.join();
      }
      assertEquals(8 * 500, counter[0]);
      assertEquals(Set.of(compute.thread()), seen);
    }
  }

  @Test
  void whatATaskThrowsIsThrownToItsCallerAlone() {
    try (ComputeThread compute = new ComputeThread("compute")) {
      IllegalArgumentException failure = new IllegalArgumentException("no");
      assertSame(
          failure,
          assertThrows(
              IllegalArgumentException.class,
              () ->
                  compute.run(
                      () -> {
                        throw failure;
                      })));
      compute.run(() -> {});
    }
  }

  @Test
  void anInterruptedCallerWaitsForItsTaskAndStaysInterrupted() {
    try (ComputeThread compute = new ComputeThread("compute")) {
      Thread.currentThread().interrupt();
      boolean[] ran = new boolean[1];
      compute.run(() -> ran[0] = true);
      assertTrue(ran[0]);
      assertTrue(Thread.interrupted());
    }
  }

  @Test
  void aClosedThreadRefusesWork() {
    ComputeThread compute = new ComputeThread("compute");
    compute.close();
    assertThrows(IllegalStateException.class, () -> compute.run(() -> {}));
  }
}
