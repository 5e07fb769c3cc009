package io.diffuse4j.cli;

import io.diffuse4j.cli.spi.CompiledKernel;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lists the project's kernels as this build carries them. */
@Command(
    name = "list",
    description = "List the project's kernels: registers, spills and shared memory per target.",
    optionListHeading = "%nOptions:%n",
    sortOptions = false,
    footer = {
      "",
      "Registers are those of a thread, spills in bytes a thread, shared memory in bytes a block"
          + " without the dynamic part, threads those of the largest block, blocks/SM those that are"
          + " planned to be resident together."
    })
final class KernelsListCommand implements Callable<Integer> {
  private final Environment environment;

  @Option(
      names = "--target",
      paramLabel = "TARGET",
      split = ",",
      description = "Only these, such as sm_80 or sm_90a; by default all that this build has.")
  private List<String> targets = List.of();

  @Option(names = "--json", description = "Print one JSON object in one line.")
  private boolean json;

  KernelsListCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws IOException {
    KernelTables.checkTargets(targets);
    List<CompiledKernel> all = KernelToolbox.find().images();
    for (String target : targets) {
      if (all.stream().noneMatch(kernel -> kernel.target().equals(target))) {
        throw new FailureException(
            "this build has no kernels for "
                + target
                + "; 'diffuse4j kernels compile --target "
                + target
                + "' compiles them");
      }
    }
    List<CompiledKernel> chosen =
        all.stream()
            .filter(kernel -> targets.isEmpty() || targets.contains(kernel.target()))
            .toList();
    if (chosen.isEmpty()) {
      throw new FailureException(
          "this build carries no compiled kernels; './mvnw -pl cuda-kernels -am package' makes them");
    }
    if (json) {
      JsonLine.print(environment.out(), line -> KernelTables.write(line, chosen));
    } else {
      KernelTables.print(environment.out(), chosen);
    }
    return ExitCode.DONE;
  }
}
