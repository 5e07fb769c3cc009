package io.diffuse4j.benchmarks;

import io.diffuse4j.core.cuda.CudaDevice;
import io.diffuse4j.core.cuda.CudaTimer;
import io.diffuse4j.core.device.CudaOptions;
import io.diffuse4j.core.device.CudnnFinding;
import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.device.VirtualOptions;
import io.diffuse4j.core.pipeline.GenerationRequest;
import io.diffuse4j.core.pipeline.Image;
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
 * verify -Pgpu} makes it after the tests. On the virtual GPU the times are its time model's.
 */
public final class GpuReport {
  private static final int REPEATS = 20;
  private static final int STEPS = 20;

  private final boolean virtual;

  /** Of the digits, and the size of the U-Net's latents: a rehearsal on a CPU need not be long. */
  private final int steps;

  private final int latents;
  private final int repeats;

  private final StringBuilder report = new StringBuilder("# Diffuse4J on a GPU\n\n");

  private GpuReport(boolean virtual) {
    this.virtual = virtual;
    repeats = virtual ? 1 : REPEATS;
    steps = virtual ? 1 : STEPS;
    latents = virtual ? StableDiffusionUNet.LATENTS / 4 : StableDiffusionUNet.LATENTS;
  }

  /** Writes the report. */
  public static void main(String[] arguments) throws IOException {
    GpuReport report = new GpuReport(arguments[0].equals("virtual"));
    report.write();
    Path file = Path.of(arguments[1]);
    Files.createDirectories(file.toAbsolutePath().getParent());
    Files.writeString(file, report.report.toString());
    System.out.println(file + " written");
  }

  private CudaDevice open(boolean cudnn) {
    return virtual
        ? CudaDevice.open(VirtualOptions.defaults())
        : CudaDevice.open(CudaOptions.defaults().withCudnn(cudnn));
  }

  private void append(String format, Object... values) {
    report.append(String.format(Locale.ROOT, format, values));
  }

  private void write() {
    double ours;
    try (CudaDevice device = open(false)) {
      append("%s, our kernels alone.\n\n", device.description());
      if (virtual) {
        report.append(
            "A rehearsal without a GPU. Times of kernels and of the U-Net are those of the virtual"
                + " GPU's time model: a model, not a measurement. Wall times are of the CPU that"
                + " executes the kernels, and tell nothing about a GPU.\n\n");
      }
      digits(device);
      ours = stableDiffusion(device);
    }
    report.append("\n## Beside cuDNN\n\n");
    if (virtual) {
      report.append(
          "cuDNN cannot run on the virtual GPU. On a GPU this compares it with our kernels: op by"
              + " op, and for the whole U-Net.\n");
    } else {
      cudnn(ours);
    }
  }

  private void digits(Device device) {
    append(
        "## Ten digits, guidance 2, steps: %d\n\nWall time%s. The difference is that of the pixels"
            + " to the cpu device's in f32, relative to their norm.\n\n",
        steps, virtual ? "" : " after a first run");
    report.append("| dtype | ms | difference |\n|---|---|---|\n");
    List<Image> expected;
    try (Device cpu = Device.cpu();
        Model model = load(cpu, DType.F32);
        Sampler sampler = model.sampler()) {
      expected = sampler.generate(request()).images();
    }
    for (DType dtype : DType.values()) {
      try (Model model = load(device, dtype);
          Sampler sampler = model.sampler()) {
        if (!virtual) {
          sampler.generate(request());
        }
        long begin = System.nanoTime();
        List<Image> images = sampler.generate(request()).images();
        double milliseconds = (System.nanoTime() - begin) / 1e6;
        append("| %s | %.2f | %.1e |\n", dtype, milliseconds, difference(images, expected));
      }
    }
  }

  private static Model load(Device device, DType dtype) {
    return Model.load(device, BundledModels.load().resolve("digits-32"), dtype, w -> {});
  }

  private GenerationRequest request() {
    return GenerationRequest.builder()
        .labels(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
        .seed(7)
        .guidanceScale(2)
        .steps(steps)
        .build();
  }

  private static double difference(List<Image> actual, List<Image> expected) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < actual.size(); i++) {
      byte[] a = actual.get(i).pixels();
      byte[] e = expected.get(i).pixels();
      for (int k = 0; k < a.length; k++) {
        difference += Math.pow((a[k] & 255) - (e[k] & 255), 2);
        norm += Math.pow(e[k] & 255, 2);
      }
    }
    return Math.sqrt(difference / norm);
  }

  /** Returns the milliseconds of a call. */
  private double stableDiffusion(CudaDevice device) {
    try (StableDiffusionUNet unet = new StableDiffusionUNet(device, DType.F16, latents)) {
      CudaTimer timer = device.timer();
      List<CudaTimer.KernelTime> kernels = timer.kernels(unet.plan(), repeats);
      double graph = timer.graph(unet.plan(), repeats);
      append(
          "\n## Stable Diffusion 1.5's U-Net\n\n%dx%d latents, batch 2, f16, made-up weights:"
              + " %.3f ms as a graph of %d kernels. Each kernel launched alone, %s:\n\n",
          latents,
          latents,
          graph,
          kernels.size(),
          repeats == 1 ? "once" : repeats + " times in a row");
      report.append("| kernel | launches | ms in all |\n|---|---|---|\n");
      Map<String, double[]> sums = new TreeMap<>();
      double all = 0;
      for (CudaTimer.KernelTime time : kernels) {
        double[] sum = sums.computeIfAbsent(time.kernel(), k -> new double[2]);
        sum[0]++;
        sum[1] += time.milliseconds();
        all += time.milliseconds();
      }
      sums.forEach((kernel, sum) -> append("| %s | %.0f | %.3f |\n", kernel, sum[0], sum[1]));
      append("| all | %d | %.3f |\n", kernels.size(), all);
      return graph;
    }
  }

  private void cudnn(double ours) {
    try (CudaDevice device = open(true)) {
      CudnnFinding finding = device.cudnn();
      if (!finding.found()) {
        append("cuDNN is not installed: there is nothing to compare with. (%s)\n", finding.text());
        return;
      }
      try (StableDiffusionUNet unet = new StableDiffusionUNet(device, DType.F16, latents)) {
        double mixed = device.timer().graph(unet.plan(), repeats);
        report.append(CudnnComparison.text(finding.text(), ours, mixed, device.kernelChoices()));
      }
    }
  }
}
