package io.diffuse4j.cli;

import io.diffuse4j.core.device.CpuOptions;
import io.diffuse4j.core.device.CudaOptions;
import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.device.DeviceKind;
import io.diffuse4j.core.device.VirtualOptions;
import io.diffuse4j.core.device.VirtualProfile;
import java.util.Locale;
import picocli.CommandLine.Option;

/** Where to compute, and in what. */
final class DeviceOptions {
  private static final int MAX_THREADS = 1024;
  private static final int MAX_GPU = 1023;
  private static final String DEVICES = "cpu, cuda, cuda:INDEX, virtual or virtual:PROFILE";

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      description =
          "What computes: cpu, cuda[:INDEX], or virtual[:a100|h100|rtx4090], which runs the CUDA"
              + " kernels on the virtual GPU, for tests. By default cuda if a GPU works, else cpu.")
  private String device;

  @Option(
      names = "--dtype",
      paramLabel = "DTYPE",
      description =
          "What it computes in: f32, bf16, and on cuda and virtual f16 and tf32, too. By default"
              + " f16 on cuda, f32 elsewhere.")
  private String dtype;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads of the cpu device, 1 to 1024; by default one for each processor.")
  private String threads;

  @Option(
      names = "--memory-limit",
      paramLabel = "BYTES",
      description =
          "The most memory for weights and activations, such as 500M or 2G; a command that needs"
              + " more is refused before it starts. Without it there is no limit.")
  private String memoryLimit;

  private DeviceKind kind;

  /** Checks all of them; opens nothing. */
  void check() {
    switch (kind()) {
      case CPU -> cpuOptions();
      case CUDA -> cudaOptions();
      case VIRTUAL -> virtualOptions();
    }
    dtype();
  }

  /** What was asked for, or what this machine has. */
  private DeviceKind kind() {
    if (kind == null) {
      kind = device == null ? best() : named();
    }
    return kind;
  }

  private static DeviceKind best() {
    return Device.hasCuda() ? DeviceKind.CUDA : DeviceKind.CPU;
  }

  private DeviceKind named() {
    String name = device.split(":", 2)[0];
    return switch (name) {
      case "cpu" -> {
        if (!device.equals("cpu")) {
          throw Arguments.wrong("--device", device, DEVICES);
        }
        yield DeviceKind.CPU;
      }
      case "cuda" -> DeviceKind.CUDA;
      case "virtual" -> DeviceKind.VIRTUAL;
      default -> throw Arguments.wrong("--device", device, DEVICES);
    };
  }

  /** What follows the colon; null if there is none. */
  private String suffix() {
    int colon = device == null ? -1 : device.indexOf(':');
    return colon < 0 ? null : device.substring(colon + 1);
  }

  /** The dtype, if the device has it. */
  DType dtype() {
    if (dtype == null) {
      return kind() == DeviceKind.CUDA ? DType.F16 : DType.F32;
    }
    DType parsed =
        switch (dtype) {
          case "f32" -> DType.F32;
          case "f16" -> DType.F16;
          case "bf16" -> DType.BF16;
          case "tf32" -> DType.TF32;
          default -> throw Arguments.wrong("--dtype", dtype, "f32, f16, bf16 or tf32");
        };
    if (kind() == DeviceKind.CPU && (parsed == DType.F16 || parsed == DType.TF32)) {
      throw new UsageException(
          "--dtype " + dtype + " is not for the cpu device; use --dtype f32 or --dtype bf16");
    }
    return parsed;
  }

  /** How the dtype is called on the command line. */
  static String name(DType dtype) {
    return dtype.name().toLowerCase(Locale.ROOT);
  }

  /** How the device is called on the command line. */
  String deviceName() {
    return device == null ? kind().name().toLowerCase(Locale.ROOT) : device;
  }

  String dtypeName() {
    return name(dtype());
  }

  /** Opens the device; that the machine lacks what it needs is no error of ours. */
  Device open() {
    try {
      return switch (kind()) {
        case CPU -> Device.cpu(cpuOptions());
        case CUDA -> Device.cuda(cudaOptions());
        case VIRTUAL -> Device.virtual(virtualOptions());
      };
    } catch (IllegalStateException | IllegalArgumentException e) {
      throw new FailureException(e.getMessage(), e);
    }
  }

  private CpuOptions cpuOptions() {
    CpuOptions options = CpuOptions.defaults();
    if (threads != null) {
      options = options.withThreads(Arguments.smallInteger("--threads", threads, 1, MAX_THREADS));
    }
    return memoryLimit == null
        ? options
        : options.withMemoryLimit(Arguments.bytes("--memory-limit", memoryLimit));
  }

  private CudaOptions cudaOptions() {
    refuseThreads();
    CudaOptions options = CudaOptions.defaults();
    if (suffix() != null) {
      options = options.withIndex(Arguments.smallInteger("--device cuda:", suffix(), 0, MAX_GPU));
    }
    return memoryLimit == null
        ? options
        : options.withMemoryLimit(Arguments.bytes("--memory-limit", memoryLimit));
  }

  private VirtualOptions virtualOptions() {
    refuseThreads();
    VirtualOptions options = VirtualOptions.defaults();
    if (suffix() != null) {
      options =
          options.withProfile(
              switch (suffix()) {
                case "a100" -> VirtualProfile.A100;
                case "h100" -> VirtualProfile.H100;
                case "rtx4090" -> VirtualProfile.RTX4090;
                default ->
                    throw Arguments.wrong(
                        "--device", device, "virtual:a100, virtual:h100 or virtual:rtx4090");
              });
    }
    return memoryLimit == null
        ? options
        : options.withMemoryLimit(Arguments.bytes("--memory-limit", memoryLimit));
  }

  private void refuseThreads() {
    if (threads != null) {
      throw new UsageException("--threads is for the cpu device; leave it out");
    }
  }
}
