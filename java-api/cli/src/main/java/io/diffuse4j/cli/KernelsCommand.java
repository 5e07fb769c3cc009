package io.diffuse4j.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The group of what is about single kernels. */
@Command(
    name = "kernels",
    description = "CUDA kernels, yours or the project's, on the virtual GPU: no GPU needed.",
    synopsisSubcommandLabel = "list|compile|check|profile|library",
    commandListHeading = "%nCommands:%n",
    optionListHeading = "%nOptions:%n",
    footer = {
      "",
      "'diffuse4j kernels COMMAND --help' lists a command's options.",
      "",
      "DIFFUSE4J_VGPU=KEY=VALUE,... configures the virtual GPU for these commands and for any"
          + " program that runs on it:",
      "  profile=h100|a100|rtx4090   the device that it stands for",
      "  memory=8G                   device memory",
      "  threads=0                   host threads that execute blocks; 0 is all",
      "  approximation=0             0 to 1: error of approximate functions, of what the ISA allows",
      "  check=all|none              or memory, race, init, sync joined with +",
      "  schedule=reverse            the order of blocks and streams",
      "  limit=N                     warp instructions after which a launch is stopped",
      "  report=stderr               or a file, for what the checkers find",
      "Of these, check, schedule, limit and profile are options of 'check' and 'profile'."
    })
final class KernelsCommand {
  private KernelsCommand() {}

  /** The command with its own commands. */
  static CommandLine create(Environment environment) {
    return new CommandLine(new KernelsCommand())
        .addSubcommand(new KernelsListCommand(environment))
        .addSubcommand(new KernelsCompileCommand(environment))
        .addSubcommand(new KernelsCheckCommand(environment))
        .addSubcommand(new KernelsProfileCommand(environment))
        .addSubcommand(new KernelsLibraryCommand(environment));
  }
}
