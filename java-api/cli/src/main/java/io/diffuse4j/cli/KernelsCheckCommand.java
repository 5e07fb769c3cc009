package io.diffuse4j.cli;

import io.diffuse4j.cli.spi.KernelRun;
import io.diffuse4j.natives.VirtualGpuDiagnostic;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Runs a kernel under all checkers. */
@Command(
    name = "check",
    description = "Run a kernel on the virtual GPU under all checkers.",
    optionListHeading = "%nOptions:%n",
    sortOptions = false,
    footer = {
      "",
      "Finds accesses out of bounds, misaligned or to freed memory (memcheck), unordered accesses"
          + " (racecheck), use of what nothing wrote (initcheck), barriers that not all threads"
          + " reach (synccheck), deadlocks and traps. Exit code 1 if anything is found; --outputs"
          + " is written only if nothing is.",
      "",
      "Without a file: all of the project's kernels, every configuration against references in"
          + " double; from a checkout only, and a C++ compiler is needed.",
      "",
      "  diffuse4j kernels check axpy.cu --kernel axpy --grid 4 --block 32 --arg f32:2 \\",
      "    --arg in:x.safetensors#x --arg 'out:f32[100]' --arg i32:100 --outputs y.safetensors"
    })
final class KernelsCheckCommand implements Callable<Integer> {
  private final Environment environment;

  @Mixin private KernelLaunchOptions launch;

  @Option(
      names = "--family",
      paramLabel = "FAMILY",
      split = ",",
      description =
          "Without a file, only these of the project's kernels: attention, conv, elementwise, gemm,"
              + " linear_small, norm, sampler.")
  private List<String> families = List.of();

  KernelsCheckCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws IOException {
    if (launch.file == null) {
      return new OwnKernels(environment, launch).check(families);
    }
    if (!families.isEmpty()) {
      throw new UsageException("--family is for the project's kernels; leave out " + launch.file);
    }
    KernelRunner runner = new KernelRunner(environment, launch);
    KernelRun run = runner.run("check=all,counters=off");
    int findings = run.diagnostics().size();
    if (findings == 0 && run.failure().isPresent()) {
      throw new FailureException(run.failure().get());
    }
    if (launch.json) {
      JsonLine.print(
          environment.out(),
          json -> {
            runner.writeLaunch(json, run);
            KernelRunJson.writeDiagnostics(json, run.diagnostics());
          });
    } else {
      PrintStream out = environment.out();
      for (VirtualGpuDiagnostic diagnostic : run.diagnostics()) {
        out.println(diagnostic.text().strip());
        out.println();
      }
      out.printf(
          "%s: %s%n",
          launch.kernel,
          findings == 0 ? "nothing found" : KernelRunner.counted(findings, "finding"));
    }
    return findings == 0 ? ExitCode.DONE : ExitCode.FAILED;
  }
}
