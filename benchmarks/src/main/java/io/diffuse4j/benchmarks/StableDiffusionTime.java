package io.diffuse4j.benchmarks;

import io.diffuse4j.core.cuda.CudaDevice;
import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.VirtualOptions;
import io.diffuse4j.core.device.VirtualProfile;
import io.diffuse4j.natives.VirtualGpuDriver;
import io.diffuse4j.natives.VirtualGpuLaunch;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the virtual GPU's time model says of one U-Net call of Stable Diffusion 1.5: 64x64 latents,
 * batch 2, f16, by family of kernels. It executes the whole call, some 1.6 TFLOP, on the CPU:
 * minutes. A model, not a measurement.
 */
public final class StableDiffusionTime {
  private StableDiffusionTime() {}

  public static void main(String[] arguments) {
    List<VirtualProfile> profiles = new ArrayList<>();
    for (String argument : arguments) {
      profiles.add(VirtualProfile.valueOf(argument.toUpperCase(Locale.ROOT)));
    }
    if (profiles.isEmpty()) {
      profiles = List.of(VirtualProfile.A100, VirtualProfile.H100);
    }
    for (VirtualProfile profile : profiles) {
      System.out.println(report(profile, launches(profile)));
    }
  }

  private static List<VirtualGpuLaunch> launches(VirtualProfile profile) {
    VirtualGpuDriver driver = new VirtualGpuDriver();
    driver.reset();
    driver.configure("counters=on,check=none,threads=0");
    try (CudaDevice device = CudaDevice.open(VirtualOptions.defaults().withProfile(profile));
        StableDiffusionUNet unet = new StableDiffusionUNet(device, DType.F16)) {
      driver.clearLaunches();
      device.run(unet.plan());
      return driver.launches();
    }
  }

  private record Family(int launches, double nanoseconds, double flops, Map<String, Double> bound) {
    Family plus(VirtualGpuLaunch launch) {
      double time = launch.nanoseconds().get("total");
      Map<String, Double> bounds = new TreeMap<>(bound);
      bounds.merge(launch.bound(), time, Double::sum);
      return new Family(
          launches + 1, nanoseconds + time, flops + launch.counter("mmaFlops"), bounds);
    }
  }

  private static String report(VirtualProfile profile, List<VirtualGpuLaunch> launches) {
    Map<String, Family> families = new TreeMap<>();
    Family all = new Family(0, 0, 0, Map.of());
    for (VirtualGpuLaunch launch : launches) {
      String family = launch.kernel().replaceAll("_(f16|f32|bf16).*", "");
      families.merge(family, new Family(0, 0, 0, Map.of()).plus(launch), (a, b) -> a.plus(launch));
      all = all.plus(launch);
    }
    StringBuilder text = new StringBuilder(profile + ", Stable Diffusion 1.5, batch 2, f16\n");
    text.append("| kernels | launches | ms | TFLOP | bound by |\n|---|---|---|---|---|\n");
    families.forEach((name, family) -> text.append(line(name, family)));
    return text.append(line("all", all)).toString();
  }

  private static String line(String name, Family family) {
    StringBuilder bounds = new StringBuilder();
    family
        .bound()
        .forEach(
            (bound, time) ->
                bounds.append(
                    String.format(
                        Locale.ROOT, "%s %.0f%% ", bound, 100 * time / family.nanoseconds)));
    return String.format(
        Locale.ROOT,
        "| %s | %d | %.3f | %.3f | %s |%n",
        name,
        family.launches,
        family.nanoseconds / 1e6,
        family.flops / 1e12,
        bounds.toString().trim());
  }
}
