package io.diffuse4j.core.pipeline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.diffuse4j.core.device.CpuOptions;
import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.device.DeviceMemoryException;
import io.diffuse4j.core.engine.CancelToken;
import io.diffuse4j.core.engine.CancelledException;
import io.diffuse4j.core.scheduler.DpmAdaptive;
import io.diffuse4j.core.scheduler.Scheduler;
import io.diffuse4j.core.scheduler.Schedulers;
import io.diffuse4j.weights.BundledModels;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class SamplerTest {
  private static final int SIZE = 32;
  private static Path digits;
  private static Device device;
  private static Model model;

  @BeforeAll
  static void open() {
    digits = BundledModels.load().resolve("digits-32");
    device = Device.cpu(CpuOptions.defaults().withThreads(2));
    model = Model.load(device, digits, DType.F32, w -> fail(w));
  }

  @AfterAll
  static void close() {
    device.close();
  }

  private static GenerationRequest.Builder tenDigits() {
    return GenerationRequest.builder()
        .labels(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
        .seed(7)
        .steps(6)
        .guidanceScale(2);
  }

  private static List<Image> generate(Model of, SamplerOptions options, GenerationRequest request) {
    try (Sampler sampler = of.sampler(options)) {
      return sampler.generate(request).images();
    }
  }

  @Test
  void theSameRequestGivesTheSameBits() {
    SamplerOptions options = SamplerOptions.of(SIZE, SIZE);
    List<Image> once = generate(model, options, tenDigits().build());
    List<Image> again = generate(model, options, tenDigits().build());
    for (int i = 0; i < 10; i++) {
      assertArrayEquals(once.get(i).pixels(), again.get(i).pixels());
    }
  }

  @Test
  void anImageAloneDiffersFromItsBatchByARoundingAtMost() {
    SamplerOptions options = SamplerOptions.of(SIZE, SIZE);
    List<Image> batch = generate(model, options, tenDigits().build());
    GenerationRequest three = tenDigits().labels(3).seed(10).build();
    assertCloseTo(batch.get(3), generate(model, options, three).get(0));
    List<Image> split = generate(model, options.withBatch(4), tenDigits().build());
    for (int i = 0; i < 10; i++) {
      assertCloseTo(batch.get(i), split.get(i));
    }
  }

  @Test
  void batchInvariantImagesDependOnNeitherBatchNorThreads() {
    SamplerOptions options = SamplerOptions.of(SIZE, SIZE).withBatchInvariant(true);
    List<Image> batch = generate(model, options, tenDigits().build());
    GenerationRequest three = tenDigits().labels(3).seed(10).build();
    assertArrayEquals(batch.get(3).pixels(), generate(model, options, three).get(0).pixels());
    try (Device single = Device.cpu(CpuOptions.defaults().withThreads(1));
        Model same = Model.load(single, digits, DType.F32, w -> fail(w))) {
      List<Image> oneThread = generate(same, options, tenDigits().build());
      for (int i = 0; i < 10; i++) {
        assertArrayEquals(batch.get(i).pixels(), oneThread.get(i).pixels());
      }
    }
  }

  @Test
  void labelsAndSeedsChangeTheImage() {
    SamplerOptions options = SamplerOptions.of(SIZE, SIZE);
    byte[] three = generate(model, options, tenDigits().labels(3).build()).get(0).pixels();
    byte[] four = generate(model, options, tenDigits().labels(4).build()).get(0).pixels();
    byte[] other = generate(model, options, tenDigits().labels(3).seed(8).build()).get(0).pixels();
    assertFalse(java.util.Arrays.equals(three, four));
    assertFalse(java.util.Arrays.equals(three, other));
  }

  @Test
  void progressCountsEveryNetworkCallOfEveryBatch() {
    int[] last = new int[2];
    GenerationRequest request =
        tenDigits()
            .progress(
                (done, total) -> {
                  assertEquals(last[0] + 1, done);
                  last[0] = done;
                  last[1] = total;
                })
            .build();
    generate(model, SamplerOptions.of(SIZE, SIZE).withBatch(4), request);
    assertEquals(18, last[0]);
    assertEquals(18, last[1]);
  }

  @Test
  void cancellingEndsTheRequestBeforeItsNextCall() {
    CancelToken cancel = new CancelToken();
    int[] calls = new int[1];
    GenerationRequest request =
        tenDigits()
            .cancel(cancel)
            .progress(
                (done, total) -> {
                  calls[0] = done;
                  if (done == 2) {
                    cancel.cancel();
                  }
                })
            .build();
    try (Sampler sampler = model.sampler()) {
      assertThrows(CancelledException.class, () -> sampler.generate(request));
      assertEquals(2, calls[0]);
      assertEquals(1, sampler.generate(tenDigits().labels(1).build()).images().size());
    }
  }

  @Test
  void closingTheDeviceDuringARunWaitsForItAndRefusesTheNext() throws InterruptedException {
    Device own = Device.cpu(CpuOptions.defaults().withThreads(1));
    Sampler sampler = Model.load(own, digits, DType.F32, w -> fail(w)).sampler();
    CountDownLatch running = new CountDownLatch(1);
    AtomicReference<Object> outcome = new AtomicReference<>();
    Thread caller =
        new Thread(
            () -> {
              try {
                outcome.set(
                    sampler
                        .generate(
                            tenDigits().progress((done, total) -> running.countDown()).build())
                        .images()
                        .size());
              } catch (RuntimeException e) {
                outcome.set(e);
              }
            });
    caller.start();
    running.await();
    own.close();
    caller.join();
    assertEquals(10, outcome.get());
    assertThrows(IllegalStateException.class, () -> sampler.generate(tenDigits().build()));
  }

  @Test
  void twoSamplersOfOneModelGiveTheirOwnImagesAtTheSameTime() throws InterruptedException {
    SamplerOptions options = SamplerOptions.of(SIZE, SIZE).withBatchInvariant(true);
    byte[][] expected = new byte[4][];
    byte[][] actual = new byte[4][];
    Thread[] threads = new Thread[4];
    for (int i = 0; i < 4; i++) {
      GenerationRequest request = tenDigits().labels(i).seed(i).build();
      expected[i] = generate(model, options, request).get(0).pixels();
      int index = i;
      threads[i] =
          new Thread(() -> actual[index] = generate(model, options, request).get(0).pixels());
    }
    for (Thread thread : threads) {
      thread.start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    for (int i = 0; i < 4; i++) {
      assertArrayEquals(expected[i], actual[i]);
    }
  }

  @Test
  void aBudgetThatIsTooSmallIsRefusedWithTheFigures() {
    try (Device small = Device.cpu(CpuOptions.defaults().withMemoryLimit(1 << 20))) {
      DeviceMemoryException weights =
          assertThrows(
              DeviceMemoryException.class,
              () -> Model.load(small, digits, DType.F32, w -> fail(w)));
      assertTrue(weights.needed() > 15_000_000, weights.getMessage());
      assertEquals(1 << 20, weights.budget());
    }
    try (Device medium = Device.cpu(CpuOptions.defaults().withMemoryLimit(20 << 20));
        Model loaded = Model.load(medium, digits, DType.F32, w -> fail(w));
        Sampler sampler = loaded.sampler()) {
      assertThrows(DeviceMemoryException.class, () -> sampler.generate(tenDigits().build()));
      GenerationRequest one = tenDigits().labels(1).guidanceScale(1).build();
      assertEquals(1, sampler.generate(one).images().size());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void adaptiveImagesDependOnNeitherTheirBatchNorTheirNeighboursSteps(int order) {
    SamplerOptions options = SamplerOptions.of(SIZE, SIZE).withBatchInvariant(true);
    GenerationRequest.Builder builder =
        tenDigits().adaptive(adaptive(List.of("order=" + order, "atol=0.1", "rtol=0.1")));
    int[] calls = new int[1];
    List<Image> batch =
        generate(
            model,
            options,
            builder.labels(3, 8, 1).progress((done, total) -> calls[0] = done).build());
    List<Image> alone = generate(model, options, builder.labels(8).seed(8).build());
    assertArrayEquals(alone.get(0).pixels(), batch.get(1).pixels());
    assertTrue(calls[0] % order == 0 && calls[0] > order, "calls " + calls[0]);
  }

  @Test
  void adaptiveStepsConvergeToWhatManyFixedStepsGive() {
    SamplerOptions options = SamplerOptions.of(SIZE, SIZE);
    GenerationRequest.Builder builder = tenDigits().labels(4).guidanceScale(1);
    Scheduler fixed =
        Schedulers.create(
            model.schedulerConfig(),
            "DDIM",
            List.of("thresholding=false", "clip_sample=false"),
            w -> {});
    byte[] reference =
        generate(model, options, builder.scheduler(fixed).steps(1000).build()).get(0).pixels();
    double loose = meanDifference(reference, adaptiveImage(options, builder, "0.3"));
    double tight = meanDifference(reference, adaptiveImage(options, builder, "0.003"));
    // Two discretisations of one ODE: what remains is DDIM's own first-order error.
    assertTrue(tight < 2, "mean difference " + tight + " of 255");
    assertTrue(tight < loose, tight + " against " + loose);
  }

  private static byte[] adaptiveImage(
      SamplerOptions options, GenerationRequest.Builder builder, String tolerance) {
    DpmAdaptive method =
        adaptive(List.of("thresholding=false", "atol=" + tolerance, "rtol=" + tolerance));
    return generate(model, options, builder.scheduler(null).adaptive(method).build())
        .get(0)
        .pixels();
  }

  private static DpmAdaptive adaptive(List<String> options) {
    return Schedulers.adaptive(model.schedulerConfig(), options, w -> {});
  }

  private static double meanDifference(byte[] a, byte[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += Math.abs((a[i] & 255) - (b[i] & 255));
    }
    return sum / a.length;
  }

  @Test
  void requestsThatDoNotFitTheModelSayWhy() {
    try (Sampler sampler = model.sampler()) {
      assertMessage("label is 11", () -> sampler.generate(tenDigits().labels(11).build()));
      assertMessage("label is -1", () -> sampler.generate(tenDigits().labels(-1).build()));
      assertMessage(
          "needs a label", () -> sampler.generate(GenerationRequest.builder().images(2).build()));
      assertMessage("steps", () -> tenDigits().steps(0).build());
      assertMessage("finite", () -> tenDigits().guidanceScale(Double.NaN).build());
    }
    assertMessage("multiples of 8", () -> model.sampler(SamplerOptions.of(30, 32)));
    assertMessage("multiples of 8", () -> model.sampler(SamplerOptions.of(32, 0)));
    assertMessage("F16", () -> Model.load(device, digits, DType.F16, w -> fail(w)));
  }

  private static void assertMessage(String part, Runnable call) {
    String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(message.contains(part), message);
  }

  private static void assertCloseTo(Image expected, Image actual) {
    for (int i = 0; i < expected.pixels().length; i++) {
      int difference = (expected.pixels()[i] & 255) - (actual.pixels()[i] & 255);
      assertTrue(Math.abs(difference) <= 1, "pixel " + i + " differs by " + difference);
    }
  }
}
