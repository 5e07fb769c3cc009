package io.diffuse4j.core.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.diffuse4j.core.Golden;
import io.diffuse4j.core.VirtualTestDevice;
import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.guidance.Guidance;
import io.diffuse4j.core.noise.GivenNoise;
import io.diffuse4j.core.scheduler.Schedulers;
import io.diffuse4j.weights.BundledModels;
import io.diffuse4j.weights.HostTensor;
import io.diffuse4j.weights.ModelConfig;
import io.diffuse4j.weights.SafetensorsFile;
import io.diffuse4j.weights.TensorSource;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Whole sampling runs of digits-32 against diffusers, at every step. */
class PipelineGoldenTest {
  @ParameterizedTest
  @MethodSource("io.diffuse4j.core.Golden#pipelines")
  void everyStepFollowsTheGoldenTrajectory(String name) {
    // DESIGN's tolerances for whole pipelines.
    try (Device device = Device.cpu()) {
      check(device, name, DType.F32, 1e-4);
      check(device, name, DType.BF16, 2e-2);
    }
  }

  /** Two samplers: with thresholding, and with guidance and noise. */
  @ParameterizedTest
  @CsvSource({
    "digits-dpmpp-2m-20-threshold, F32, 1e-4",
    "digits-dpmpp-2m-sde-16, F32, 1e-4",
    "digits-dpmpp-2m-20-threshold, F16, 3e-3",
    "digits-dpmpp-2m-sde-16, F16, 3e-3",
    "digits-dpmpp-2m-20-threshold, TF32, 3e-3",
    "digits-dpmpp-2m-20-threshold, BF16, 2e-2",
    "digits-dpmpp-2m-sde-16, BF16, 2e-2"
  })
  void everyStepOnTheVirtualGpuFollowsTheGoldenTrajectory(
      String name, DType dtype, double tolerance) {
    try (VirtualTestDevice gpu = VirtualTestDevice.unchecked()) {
      check(gpu.device(), name, dtype, tolerance);
    }
  }

  @Tag("full")
  @ParameterizedTest
  @MethodSource("io.diffuse4j.core.Golden#pipelines")
  void everyStepOfEveryPipelineOnTheVirtualGpuFollowsTheGoldenTrajectory(String name) {
    try (VirtualTestDevice gpu = VirtualTestDevice.unchecked()) {
      check(gpu.device(), name, DType.F32, 1e-4);
      check(gpu.device(), name, DType.F16, 3e-3);
      check(gpu.device(), name, DType.TF32, 3e-3);
      check(gpu.device(), name, DType.BF16, 2e-2);
    }
  }

  private static void check(Device device, String name, DType dtype, double tolerance) {
    Path folder = Golden.folder("pipelines", name);
    Map<String, HostTensor> golden = Golden.tensors(folder.resolve("trajectory.safetensors"), "");
    ModelConfig kase = ModelConfig.read(folder.resolve("case.json"));
    List<Integer> labels = new ArrayList<>();
    for (long label : golden.get("class_labels").toLongs()) {
      labels.add((int) label);
    }
    double[] worst = new double[1];
    try (TensorSource file = SafetensorsFile.open(folder.resolve("trajectory.safetensors"));
        Model model =
            Model.load(device, BundledModels.load().resolve("digits-32"), dtype, w -> fail(w));
        Sampler sampler = model.sampler()) {
      GenerationRequest request =
          GenerationRequest.builder()
              .labels(labels)
              .steps(kase.integer("steps", 0, 1, 1000))
              .scheduler(
                  Schedulers.create(
                      ModelConfig.read(folder.resolve("scheduler_config.json")), w -> fail(w)))
              .guidance(Guidance.scale((float) kase.number("guidance_scale", 1)))
              .noise(new GivenNoise(file))
              .trace(
                  new SamplingTrace() {
                    @Override
                    public void initialNoise(int first, float[] noise, long[] shape) {}

                    @Override
                    public void noise(int first, int call, float[] noise, long[] shape) {}

                    @Override
                    public void latents(int first, int call, float[] latents, long[] shape) {
                      float[] expected = step(golden, call);
                      double error = Golden.error(latents, expected);
                      worst[0] = Math.max(worst[0], error);
                      assertTrue(
                          error <= tolerance,
                          device.kind()
                              + " "
                              + name
                              + " "
                              + dtype
                              + " step "
                              + call
                              + ": "
                              + error);
                    }

                    @Override
                    public void timesteps(double[] timesteps) {
                      float[] expected = golden.get("timesteps").toFloats();
                      assertEquals(expected.length, timesteps.length);
                      for (int i = 0; i < expected.length; i++) {
                        assertEquals(expected[i], (float) timesteps[i]);
                      }
                    }
                  })
              .build();
      List<Image> images = sampler.generate(request).images();
      if (dtype == DType.F32) {
        checkImages(images, golden.get("image"));
      }
    }
  }

  private static float[] step(Map<String, HostTensor> golden, int call) {
    return golden.get(String.format(Locale.ROOT, "latents.%03d", call)).toFloats();
  }

  private static void checkImages(List<Image> images, HostTensor golden) {
    long[] expected = golden.toLongs();
    int k = 0;
    for (Image image : images) {
      for (byte pixel : image.pixels()) {
        long difference = Math.abs((pixel & 255) - expected[k++]);
        assertTrue(difference <= 1, "a pixel differs by " + difference);
      }
    }
  }
}
