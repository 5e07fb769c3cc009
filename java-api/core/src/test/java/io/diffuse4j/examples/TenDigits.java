package io.diffuse4j.examples;

import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.pipeline.GenerationRequest;
import io.diffuse4j.core.pipeline.Image;
import io.diffuse4j.core.pipeline.Model;
import io.diffuse4j.core.pipeline.Sampler;
import io.diffuse4j.weights.BundledModels;
import java.nio.file.Path;
import java.util.function.Consumer;

/** The README's code sample. */
public final class TenDigits {
  private TenDigits() {}

  public static void main(String[] args) {
    Path folder = BundledModels.load().resolve("digits-32");
    Consumer<String> warnings = System.err::println;
    try (Device device = Device.cpu();
        Model model = Model.load(device, folder, DType.F32, warnings);
        Sampler sampler = model.sampler()) {
      GenerationRequest request =
          GenerationRequest.builder()
              .labels(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
              .seed(7)
              .steps(20)
              .guidanceScale(2)
              .progress((done, total) -> System.out.println(done + " of " + total))
              .build();
      for (Image image : sampler.generate(request).images()) {
        System.out.println(
            image.width() + "x" + image.height() + " grey bytes: " + image.pixels().length);
      }
    }
  }
}
