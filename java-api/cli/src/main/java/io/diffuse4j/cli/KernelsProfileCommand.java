package io.diffuse4j.cli;

import io.diffuse4j.cli.spi.KernelRun;
import io.diffuse4j.natives.VirtualGpuLaunch;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Counts what a kernel does. */
@Command(
    name = "profile",
    description = "Run a kernel on the virtual GPU: exact counters, and the time they predict.",
    optionListHeading = "%nOptions:%n",
    sortOptions = false,
    footer = {
      "",
      "The time is a model's, not a measurement: it knows the GPU's rates for tensor cores,"
          + " instructions, shared memory, L2 and DRAM, and takes the slowest. Formula and counters"
          + " are in native/src/main/cpp/vgpu/README.md. The checkers are off; exit code 1 if the"
          + " kernel faults.",
      "",
      "Without a file: the project's kernels on the shapes of Stable Diffusion 1.5, global sectors,"
          + " shared-memory wavefronts and executed products as multiples of the ideal, with the"
          + " limits that the project sets; --times adds modelled times, in a few minutes. From a"
          + " checkout only, and a C++ compiler is needed.",
      "",
      "  diffuse4j kernels profile axpy.cu --kernel axpy --grid 4 --block 32 --arg f32:2 \\",
      "    --arg in:x.safetensors#x --arg 'out:f32[100]' --arg i32:100 --profile h100"
    })
final class KernelsProfileCommand implements Callable<Integer> {
  private final Environment environment;

  @Mixin private KernelLaunchOptions launch;

  @Option(
      names = "--family",
      paramLabel = "FAMILY",
      split = ",",
      description =
          "Without a file, only these of the project's kernels: attention, matrix (convolutions and"
              + " linear layers), memory (the others).")
  private List<String> families = List.of();

  @Option(
      names = "--times",
      description = "Without a file: execute whole launches, and print the time of each by model.")
  private boolean times;

  KernelsProfileCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws IOException {
    if (launch.file == null) {
      return new OwnKernels(environment, launch).profile(families, times);
    }
    if (times || !families.isEmpty()) {
      throw new UsageException(
          (times ? "--times" : "--family")
              + " is for the project's kernels; leave out "
              + launch.file);
    }
    KernelRunner runner = new KernelRunner(environment, launch);
    KernelRun run = runner.run("check=none,counters=on");
    if (run.failure().isPresent()) {
      throw new FailureException(run.failure().get());
    }
    VirtualGpuLaunch counted = run.launch().orElseThrow();
    if (launch.json) {
      JsonLine.print(
          environment.out(),
          json -> {
            runner.writeLaunch(json, run);
            KernelRunJson.writeCounters(json, counted);
          });
    } else {
      KernelProfileText.print(environment.out(), launch.profile, counted);
    }
    return ExitCode.DONE;
  }
}
