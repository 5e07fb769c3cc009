package io.diffuse4j.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** What comes before the verb. */
@Command(
    name = "diffuse4j",
    description = "Diffusion-model inference for the JVM.",
    versionProvider = BuildVersion.class,
    synopsisSubcommandLabel = "VERB",
    commandListHeading = "%nVerbs:%n",
    optionListHeading = "%nOptions:%n",
    footer = {
      "",
      "'diffuse4j VERB --help' lists a verb's options.",
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted."
    })
final class RootCommand {
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = ScopeType.INHERIT,
      description = "Print this and end.")
  boolean help;

  @Option(
      names = {"-V", "--version"},
      versionHelp = true,
      description = "Print the version and end.")
  boolean version;

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "When something goes wrong, also print the stack trace.")
  boolean verbose;
}
