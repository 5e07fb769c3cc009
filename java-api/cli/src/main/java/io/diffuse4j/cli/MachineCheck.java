package io.diffuse4j.cli;

import io.diffuse4j.core.device.CpuOptions;
import io.diffuse4j.core.device.CudnnFinding;
import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.device.DeviceException;
import io.diffuse4j.core.device.VirtualOptions;
import io.diffuse4j.natives.CpuOps;
import io.diffuse4j.natives.NativeLibrary;
import io.diffuse4j.weights.BundledModels;
import io.diffuse4j.weights.InvalidModelException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;

/**
 * A check of {@code doctor}.
 *
 * @param title what is looked at
 * @param check looks
 */
record MachineCheck(String title, Supplier<Finding> check) {
  private static final String SUPPORTED_PLATFORM = "linux-x86_64";

  /** All of them, in the order in which they matter. */
  static List<MachineCheck> all() {
    return List.of(
        new MachineCheck("Java", MachineCheck::java),
        new MachineCheck("platform", MachineCheck::platform),
        new MachineCheck("JavaCPP", MachineCheck::javacpp),
        new MachineCheck("native code", MachineCheck::natives),
        new MachineCheck("cpu", MachineCheck::cpu),
        new MachineCheck("memory", MachineCheck::memory),
        new MachineCheck("oneDNN", MachineCheck::oneDnn),
        new MachineCheck("cpu device", MachineCheck::device),
        new MachineCheck("cache", MachineCheck::cache),
        new MachineCheck("models", MachineCheck::models),
        new MachineCheck("cuda device", MachineCheck::cuda),
        new MachineCheck("cuDNN", MachineCheck::cudnn),
        new MachineCheck("virtual device", MachineCheck::virtual));
  }

  /** Looks; whatever goes wrong is a finding, so that the checks after it still run. */
  Finding look() {
    try {
      return check.get();
    } catch (LinkageError e) {
      return Finding.problem(
          "cannot be loaded: " + e, "the lines about the platform and JavaCPP say why");
    } catch (RuntimeException e) {
      return Finding.problem("failed: " + e.getMessage(), "report it with the output of this");
    }
  }

  private static Finding java() {
    Runtime.Version version = Runtime.version();
    String text = version + " (" + System.getProperty("java.vendor") + ")";
    return Finding.ok(text);
  }

  private static Finding platform() {
    String platform = Loader.getPlatform();
    return platform.equals(SUPPORTED_PLATFORM)
        ? Finding.ok(platform)
        : Finding.problem(platform, "this version has native code for " + SUPPORTED_PLATFORM);
  }

  private static Finding cpu() {
    String text =
        procLine("/proc/cpuinfo", "model name")
            + ", "
            + Runtime.getRuntime().availableProcessors()
            + " processors, our"
            + " kernels use "
            + CpuOps.d4j_cpu_isa();
    return CpuOps.d4j_cpu_has_native_bf16() != 0
        ? Finding.ok(text + ", bf16 in hardware")
        : Finding.note(text + ", no bf16 in hardware", "bf16 works, but f32 is faster here");
  }

  /** What Linux says behind {@code name}, up to the end of the line; empty if nothing. */
  private static String procLine(String file, String name) {
    try (Stream<String> lines = Files.lines(Path.of(file))) {
      return lines
          .filter(line -> line.startsWith(name))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse("");
    } catch (IOException | UncheckedIOException e) {
      return "";
    }
  }

  private static Finding memory() {
    return Finding.ok(
        String.format(
            Locale.ROOT,
            "%s, %s available, %d MiB of it for Java objects",
            memoryInfo("MemTotal"),
            memoryInfo("MemAvailable"),
            Runtime.getRuntime().maxMemory() >> 20));
  }

  /** A figure of Linux's about memory. */
  private static String memoryInfo(String name) {
    return procLine("/proc/meminfo", name)
        .replaceAll("[^0-9]", "")
        .transform(kib -> kib.isEmpty() ? "unknown" : Long.parseLong(kib) / 1024 + " MiB");
  }

  private static Finding javacpp() {
    Path cache;
    try {
      cache = Loader.getCacheDir().toPath();
    } catch (IOException e) {
      return Finding.problem(
          "no folder to unpack native libraries to: " + IoReason.of(e),
          "set -Dorg.bytedeco.javacpp.cachedir to a folder that can be written to");
    }
    return Files.isWritable(cache)
        ? Finding.ok("unpacks native libraries to " + cache)
        : Finding.problem(
            cache + " cannot be written to",
            "set -Dorg.bytedeco.javacpp.cachedir to a folder that can be");
  }

  private static Finding natives() {
    NativeLibrary.d4j_last_error();
    return Finding.ok("loaded");
  }

  private static Finding oneDnn() {
    return Finding.ok(NativeLibrary.d4j_onednn_version() + ", uses " + CpuOps.d4j_onednn_isa());
  }

  private static Finding device() {
    try (Device device = Device.cpu(CpuOptions.defaults())) {
      return Finding.ok(device.description());
    }
  }

  private static Finding cache() {
    Path cache = BundledModels.cacheFolder();
    Path existing = cache;
    while (existing != null && !Files.exists(existing)) {
      existing = existing.getParent();
    }
    boolean usable = existing != null && Files.isDirectory(existing) && Files.isWritable(existing);
    return usable
        ? Finding.ok(cache.toString())
        : Finding.problem(
            cache + " cannot be written to",
            "set " + BundledModels.CACHE_VARIABLE + " to a folder that can be");
  }

  private static Finding models() {
    try {
      return Finding.ok(String.join(", ", BundledModels.load().names()));
    } catch (InvalidModelException e) {
      return Finding.problem(e.getMessage(), "the artifact of the models is damaged: build again");
    }
  }

  private static Finding cuda() {
    try (Device device = Device.cuda()) {
      return Finding.ok(device.description());
    } catch (IllegalStateException e) {
      return Finding.note("none: " + e.getMessage(), "without a GPU use --device cpu");
    } catch (DeviceException e) {
      return Finding.problem(
          e.getMessage(), "update the NVIDIA driver, and see whether nvidia-smi works");
    }
  }

  private static Finding cudnn() {
    if (!Device.hasCuda()) {
      return Finding.ok("not looked for: only a cuda device can use it");
    }
    CudnnFinding finding = Device.findCudnn();
    return finding.found()
        ? Finding.ok(finding.text() + ", used where it measures faster than our kernels")
        : Finding.note(
            "none: " + finding.text(),
            "it is optional; java-api/core/README.md says what to install");
  }

  private static Finding virtual() {
    if (Device.hasCuda()) {
      return Finding.ok("in a process of its own: this one has loaded the GPU's driver");
    }
    try (Device device = Device.virtual(VirtualOptions.defaults())) {
      return Finding.ok(device.description());
    } catch (IllegalStateException e) {
      return Finding.note("none: " + e.getMessage(), "without it use --device cpu");
    }
  }
}
