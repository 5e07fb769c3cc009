package io.diffuse4j.benchmarks;

import io.diffuse4j.core.cuda.CudaDevice;
import io.diffuse4j.core.cuda.CudaTimer;
import io.diffuse4j.core.device.CudaOptions;
import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.device.VirtualOptions;
import io.diffuse4j.core.pipeline.GenerationRequest;
import io.diffuse4j.core.pipeline.Model;
import io.diffuse4j.core.pipeline.Sampler;
import io.diffuse4j.weights.BundledModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a GPU does, as one Markdown file: {@code GpuReport cuda|virtual FILE.md}. {@code ./mvnw
 * verify -Pgpu} makes it. On the virtual GPU the times are its time model's.
 */
public final class GpuReport {
  private static final int REPEATS = 20;

  private GpuReport() {}

  public static void main(String[] arguments) throws IOException {
    boolean virtual = arguments[0].equals("virtual");
    // Executing 1.6 TFLOP more than once on a CPU would tell nothing new.
    int repeats = virtual ? 1 : REPEATS;
    StringBuilder report = new StringBuilder("# Diffuse4J on a GPU\n\n");
    try (CudaDevice device =
        virtual
            ? CudaDevice.open(VirtualOptions.defaults())
            : CudaDevice.open(CudaOptions.defaults())) {
      report.append(device.description()).append("\n\n");
      digits(device, report);
      stableDiffusion(device, repeats, report);
    }
    Path file = Path.of(arguments[1]);
    Files.createDirectories(file.toAbsolutePath().getParent());
    Files.writeString(file, report.toString());
    System.out.println(file + " written");
  }

  private static void digits(Device device, StringBuilder report) {
    report.append("Ten digits, 20 steps, guidance 2, wall time after a first run:\n\n");
    report.append("| dtype | ms |\n|---|---|\n");
    for (DType dtype : DType.values()) {
      try (Model model =
              Model.load(device, BundledModels.load().resolve("digits-32"), dtype, w -> {});
          Sampler sampler = model.sampler()) {
        GenerationRequest request =
            GenerationRequest.builder()
                .labels(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
                .seed(7)
                .guidanceScale(2)
                .build();
        sampler.generate(request);
        long begin = System.nanoTime();
        sampler.generate(request);
        double milliseconds = (System.nanoTime() - begin) / 1e6;
        report.append(String.format(Locale.ROOT, "| %s | %.2f |%n", dtype, milliseconds));
      }
    }
  }

  private static void stableDiffusion(CudaDevice device, int repeats, StringBuilder report) {
    try (StableDiffusionUNet unet = new StableDiffusionUNet(device, DType.F16)) {
      CudaTimer timer = device.timer();
      List<CudaTimer.KernelTime> kernels = timer.kernels(unet.plan(), repeats);
      double graph = timer.graph(unet.plan(), repeats);
      report.append(
          String.format(
              Locale.ROOT,
              "%nStable Diffusion 1.5's U-Net, 64x64 latents, batch 2, f16, made-up weights: %.3f ms"
                  + " as a graph of %d kernels. Each kernel launched alone, %d times in a row:%n%n",
              graph,
              kernels.size(),
              repeats));
      report.append("| kernel | launches | ms in all |\n|---|---|---|\n");
      Map<String, double[]> sums = new TreeMap<>();
      for (CudaTimer.KernelTime time : kernels) {
        double[] sum = sums.computeIfAbsent(time.kernel(), k -> new double[2]);
        sum[0]++;
        sum[1] += time.milliseconds();
      }
      sums.forEach(
          (kernel, sum) ->
              report.append(
                  String.format(Locale.ROOT, "| %s | %.0f | %.3f |%n", kernel, sum[0], sum[1])));
      report.append("\ncuDNN is not among the providers yet: no comparison with it.\n");
    }
  }
}
