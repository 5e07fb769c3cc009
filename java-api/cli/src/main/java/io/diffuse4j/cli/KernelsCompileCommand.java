package io.diffuse4j.cli;

import io.diffuse4j.cli.spi.CompiledKernel;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Compiles the project's kernels. */
@Command(
    name = "compile",
    description = "Compile the project's kernels and list what the compiler reports.",
    optionListHeading = "%nOptions:%n",
    sortOptions = false,
    footer = {
      "",
      "From a checkout only. Results are kept by content in DIFFUSE4J_CACHE (by default"
          + " ~/.cache/diffuse4j); what is there is not compiled again. The columns are those of"
          + " 'kernels list'."
    })
final class KernelsCompileCommand implements Callable<Integer> {
  private static final double NANOSECONDS = 1e9;

  private final Environment environment;

  @Option(
      names = "--target",
      paramLabel = "TARGET",
      split = ",",
      description =
          "What to compile for: sm_80, sm_86, sm_89, sm_90a, sm_100a, sm_120a, several with"
              + " commas. The default is sm_80.")
  private List<String> targets = List.of("sm_80");

  @Option(
      names = "--json",
      description = "Print one JSON object in one line, with the kernels and the seconds.")
  private boolean json;

  KernelsCompileCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws IOException {
    KernelTables.checkTargets(targets);
    List<String> distinct = targets.stream().distinct().toList();
    long start = System.nanoTime();
    List<CompiledKernel> kernels =
        KernelToolbox.call(environment, tools -> tools.compile(KernelToolbox.checkout(), distinct));
    double seconds = (System.nanoTime() - start) / NANOSECONDS;
    if (json) {
      JsonLine.print(
          environment.out(),
          line -> {
            KernelTables.write(line, kernels);
            line.writeNumberField("seconds", seconds);
          });
    } else {
      KernelTables.print(environment.out(), kernels);
      environment
          .out()
          .printf(
              Locale.ROOT,
              "%d kernels for %s in %.1f s%n",
              kernels.size() / distinct.size(),
              String.join(", ", distinct),
              seconds);
    }
    return ExitCode.DONE;
  }
}
