package io.diffuse4j.cli;

import io.diffuse4j.core.device.CpuOptions;
import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.Device;
import java.util.Locale;
import picocli.CommandLine.Option;

/** Where to compute, and in what. */
final class DeviceOptions {
  private static final int MAX_THREADS = 1024;

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      description = "What computes. This build has cpu, which is the default.")
  String device = "cpu";

  @Option(
      names = "--dtype",
      paramLabel = "DTYPE",
      description = "What it computes in: f32 (the default) or bf16.")
  String dtype = "f32";

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads of the cpu device, 1 to 1024; by default one for each processor.")
  String threads;

  @Option(
      names = "--memory-limit",
      paramLabel = "BYTES",
      description =
          "The most memory for weights and activations, such as 500M or 2G; a command that needs"
              + " more is refused before it starts. Without it there is no limit.")
  String memoryLimit;

  /** Checks all of them; opens nothing. */
  void check() {
    options();
    dtype();
  }

  /** The dtype, if the device has it. */
  DType dtype() {
    return switch (dtype) {
      case "f32" -> DType.F32;
      case "bf16" -> DType.BF16;
      case "f16", "tf32" ->
          throw new UsageException(
              "--dtype " + dtype + " is not for the cpu device; use --dtype f32 or --dtype bf16");
      default -> throw Arguments.wrong("--dtype", dtype, "f32 or bf16");
    };
  }

  /** How the dtype is called on the command line. */
  static String name(DType dtype) {
    return dtype.name().toLowerCase(Locale.ROOT);
  }

  /** Opens the device. */
  Device open() {
    return Device.cpu(options());
  }

  private CpuOptions options() {
    if (device.matches("cuda(:.*)?|virtual(:.*)?")) {
      throw new UsageException(
          "--device " + device + " is not built into this version; use --device cpu");
    }
    if (!device.equals("cpu")) {
      throw Arguments.wrong("--device", device, "cpu");
    }
    CpuOptions options = CpuOptions.defaults();
    if (threads != null) {
      options = options.withThreads(Arguments.smallInteger("--threads", threads, 1, MAX_THREADS));
    }
    if (memoryLimit != null) {
      options = options.withMemoryLimit(Arguments.bytes("--memory-limit", memoryLimit));
    }
    return options;
  }
}
