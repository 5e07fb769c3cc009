package io.diffuse4j.core.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.diffuse4j.core.VirtualTestDevice;
import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.engine.CancelToken;
import io.diffuse4j.core.engine.CancelledException;
import io.diffuse4j.core.pipeline.GenerationRequest;
import io.diffuse4j.core.pipeline.Image;
import io.diffuse4j.core.pipeline.Model;
import io.diffuse4j.core.pipeline.Sampler;
import io.diffuse4j.core.pipeline.SamplerOptions;
import io.diffuse4j.core.scheduler.Scheduler;
import io.diffuse4j.core.scheduler.Schedulers;
import io.diffuse4j.natives.VirtualGpuDriver;
import io.diffuse4j.weights.BundledModels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Sampling on the device: what the driver is asked to do, and what comes out. */
class CudaSamplingTest {
  private static final Path DIGITS = BundledModels.load().resolve("digits-32");

  private static Model load(VirtualTestDevice gpu, DType dtype) {
    return Model.load(gpu.device(), DIGITS, dtype, w -> fail(w));
  }

  private static GenerationRequest.Builder request(int steps) {
    return GenerationRequest.builder().labels(3).seed(11).steps(steps);
  }

  @Test
  void betweenFirstAndLastStepNothingIsAllocatedCopiedOrSynchronised() {
    try (VirtualTestDevice gpu = VirtualTestDevice.unchecked();
        Model model = load(gpu, DType.F16);
        Sampler sampler = model.sampler()) {
      sampler.generate(request(6).build());
      gpu.driver().clearCalls();
      sampler.generate(request(6).build());
      List<String> calls = gpu.driver().callSequence().stream().map(c -> c.name()).toList();
      int first = calls.indexOf("cuGraphLaunch");
      int last = calls.lastIndexOf("cuGraphLaunch");
      List<String> between = calls.subList(first, last + 1);
      assertEquals(6, between.stream().filter("cuGraphLaunch"::equals).count());
      assertEquals(
          Set.of("cuGraphLaunch", "cuEventRecord", "cuEventQuery", "cuCtxSetCurrent"),
          Set.copyOf(between));
      // Nor does a whole request allocate device memory once its plan is there.
      assertTrue(calls.stream().noneMatch(c -> c.startsWith("cuMemAlloc")));
    }
  }

  @Test
  void theSamplerIsOneKernelAStepAndTwoWithThresholding() {
    try (VirtualTestDevice gpu = VirtualTestDevice.unchecked();
        Model model = load(gpu, DType.F16);
        Sampler sampler = model.sampler()) {
      gpu.driver().clearLaunches();
      sampler.generate(request(3).build());
      // The model's own scheduler thresholds.
      assertEquals(
          List.of(
              "sampler_initial",
              "sampler_prepare",
              "sampler_statistics",
              "sampler_step",
              "sampler_statistics",
              "sampler_step",
              "sampler_statistics",
              "sampler_step"),
          samplerKernels(gpu.driver()));
      gpu.driver().clearLaunches();
      sampler.generate(request(2).scheduler(ddim(model)).build());
      assertEquals(
          List.of("sampler_initial", "sampler_prepare", "sampler_step", "sampler_step"),
          samplerKernels(gpu.driver()));
    }
  }

  private static Scheduler ddim(Model model) {
    return Schedulers.create(
        model.schedulerConfig(), "ddim", List.of("thresholding=false"), w -> {});
  }

  private static List<String> samplerKernels(VirtualGpuDriver driver) {
    return driver.launches().stream()
        .map(l -> l.kernel())
        .filter(k -> k.startsWith("sampler"))
        .toList();
  }

  @Test
  void bitsDependNeitherOnTheScheduleNorOnTheRun() {
    List<byte[]> images = new ArrayList<>();
    for (String schedule : List.of("forward", "reverse", "random:5")) {
      try (VirtualTestDevice gpu = VirtualTestDevice.with("schedule=" + schedule);
          Model model = load(gpu, DType.BF16);
          Sampler sampler = model.sampler()) {
        for (int run = 0; run < 2; run++) {
          images.add(sampler.generate(request(2).build()).images().get(0).pixels());
        }
      }
    }
    images.forEach(image -> assertArrayEquals(images.get(0), image));
  }

  @Test
  void anImageDoesNotDependOnItsBatchIfAsked() {
    try (VirtualTestDevice gpu = VirtualTestDevice.unchecked();
        Model model = load(gpu, DType.F16);
        Sampler sampler =
            model.sampler(SamplerOptions.of(32, 32).withBatchInvariant(true).withBatch(3))) {
      List<Image> together =
          sampler
              .generate(GenerationRequest.builder().labels(3, 5, 7).seed(11).steps(2).build())
              .images();
      List<Image> alone =
          sampler
              .generate(GenerationRequest.builder().labels(5).seed(12).steps(2).build())
              .images();
      assertArrayEquals(together.get(1).pixels(), alone.get(0).pixels());
      assertNotEquals(together.get(0), together.get(1));
    }
  }

  @Test
  void aCancelledRequestEndsWithinTwoStepsAndTheNextOneWorks() {
    try (VirtualTestDevice gpu = VirtualTestDevice.checked();
        Model model = load(gpu, DType.F16);
        Sampler sampler = model.sampler()) {
      byte[] expected = sampler.generate(request(2).build()).images().get(0).pixels();
      CancelToken token = new CancelToken();
      List<Integer> seen = new ArrayList<>();
      GenerationRequest cancelled =
          request(50)
              .cancel(token)
              .progress(
                  (done, total) -> {
                    seen.add(done);
                    if (done == 2) {
                      token.cancel();
                    }
                  })
              .build();
      assertThrows(CancelledException.class, () -> sampler.generate(cancelled));
      assertTrue(seen.size() <= 4, seen.toString());
      assertArrayEquals(expected, sampler.generate(request(2).build()).images().get(0).pixels());
    }
  }
}
