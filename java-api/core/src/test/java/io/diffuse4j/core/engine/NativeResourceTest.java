package io.diffuse4j.core.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class NativeResourceTest {
  private final List<String> released = Collections.synchronizedList(new ArrayList<>());

  private final class Resource extends NativeResource {
    private final String name;

    Resource(NativeResource parent, String name) {
      super(parent);
      this.name = name;
    }

    void call(Runnable body) {
      enter();
      try {
        body.run();
      } finally {
        exit();
      }
    }

    @Override
    protected String describe() {
      return name;
    }

    @Override
    protected void release() {
      released.add(name);
    }
  }

  @Test
  void closingReleasesOnceAndTheYoungestFirst() {
    Resource device = new Resource(null, "device");
    Resource model = new Resource(device, "model");
    new Resource(model, "first sampler");
    new Resource(model, "second sampler");
    device.close();
    device.close();
    model.close();
    assertEquals(List.of("second sampler", "first sampler", "model", "device"), released);
  }

  @Test
  void aClosedChildIsForgottenByItsParent() {
    Resource device = new Resource(null, "device");
    new Resource(device, "model").close();
    device.close();
    assertEquals(List.of("model", "device"), released);
  }

  @Test
  void useAfterCloseNamesTheResource() {
    Resource model = new Resource(null, "Model digits");
    model.close();
    IllegalStateException call =
        assertThrows(IllegalStateException.class, () -> model.call(() -> {}));
    assertEquals("Model digits is closed", call.getMessage());
    assertThrows(IllegalStateException.class, () -> new Resource(model, "sampler"));
  }

  @Test
  void closeWaitsForTheRunningCallOfAnotherThread() throws InterruptedException {
    Resource model = new Resource(null, "model");
    Resource sampler = new Resource(model, "sampler");
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch finish = new CountDownLatch(1);
    Thread caller =
        new Thread(
            () ->
                sampler.call(
                    () -> {
                      running.countDown();
                      await(finish);
                      released.add("call finished");
                    }));
    caller.start();
    await(running);
    Thread closer = new Thread(model::close);
    closer.start();
    closer.join(200);
    assertTrue(closer.isAlive(), "close returned while a call was running");
    assertTrue(released.isEmpty());
    finish.countDown();
    closer.join();
    caller.join();
    assertEquals(List.of("call finished", "sampler", "model"), released);
  }

  @Test
  void closeFromInsideTheCallReleasesWhenTheCallReturns() {
    Resource sampler = new Resource(null, "sampler");
    sampler.call(
        () -> {
          sampler.close();
          assertTrue(sampler.isClosed());
          assertTrue(released.isEmpty());
        });
    assertEquals(List.of("sampler"), released);
  }

  @Test
  void closingTheParentFromInsideAChildsCallDoesNotFreeWhatTheCallUses() {
    Resource device = new Resource(null, "device");
    Resource sampler = new Resource(device, "sampler");
    sampler.call(
        () -> {
          device.close();
          assertFalse(released.contains("sampler"));
          assertFalse(released.contains("device"));
        });
    assertEquals(List.of("sampler", "device"), released);
  }

  private static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(20, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
