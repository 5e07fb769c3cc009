package io.diffuse4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

class HelpTest {
  @TempDir Path folder;

  private CommandLine commands() {
    PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
    return new CommandLineInterface(nowhere, nowhere, folder, false).commands();
  }

  @Test
  void everyVerbIsThereAndEveryOptionHasADescription() {
    CommandLine root = commands();
    assertEquals(
        Set.of("generate", "module", "replay", "inspect", "kernels", "doctor"),
        root.getSubcommands().keySet());
    assertEquals(
        Set.of("list", "compile", "check", "profile", "library"),
        root.getSubcommands().get("kernels").getSubcommands().keySet());
    assertDescribed(root);
  }

  private static void assertDescribed(CommandLine command) {
    command.getSubcommands().values().forEach(HelpTest::assertDescribed);
    assertTrue(command.getCommandSpec().usageMessage().description().length > 0);
    for (OptionSpec option : command.getCommandSpec().options()) {
      String description = String.join("", option.description());
      assertTrue(description.length() > 10, option.longestName() + ": " + description);
      assertTrue(description.endsWith("."), option.longestName() + ": " + description);
      assertTrue(
          option.arity().max() == 0 || !option.paramLabel().startsWith("<"),
          option.longestName() + " needs a name for its value");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "generate",
        "module",
        "replay",
        "inspect",
        "doctor",
        "kernels",
        "kernels list",
        "kernels compile",
        "kernels check",
        "kernels profile",
        "kernels library"
      })
  void helpListsEveryOptionAndFitsATerminal(String verbs) {
    CliRun run = CliRun.of(folder, CliRun.words(verbs + " --help"));
    assertEquals(ExitCode.DONE, run.exitCode());
    assertEquals("", run.err());
    CommandLine command = commands();
    for (String verb : CliRun.words(verbs)) {
      command = command.getSubcommands().get(verb);
    }
    for (OptionSpec option : command.getCommandSpec().options()) {
      assertTrue(run.out().contains(option.longestName()), option.longestName());
    }
    run.out().lines().forEach(line -> assertTrue(line.length() <= 100, line));
  }

  @Test
  void helpAndVersionOfTheProgramAreOnStandardOutput() {
    CliRun help = CliRun.of(folder, "--help");
    assertEquals(ExitCode.DONE, help.exitCode());
    assertTrue(help.out().contains("generate") && help.out().contains("Exit codes"), help.out());
    CliRun version = CliRun.of(folder, "--version");
    assertTrue(version.out().matches("diffuse4j [0-9]+\\.[0-9]+\\.[0-9]+\\S*\n"), version.out());
  }

  @Test
  void examplesOfTheHelpRun() {
    List<String> examples =
        CliRun.of(folder, "generate", "--help")
            .out()
            .replace("\\\n", "") // as a shell joins lines
            .lines()
            .map(String::strip)
            .filter(line -> line.startsWith("diffuse4j generate --model"))
            .toList();
    assertEquals(1, examples.size());
    List<String> words = CliRun.words(examples.get(0));
    CliRun.quietly(folder, words.subList(1, words.size()));
  }

  @Test
  void inspectTellsWhatTheModelIs() {
    CliRun run = CliRun.of(folder, "inspect", "--model", "digits-32");
    assertEquals(ExitCode.DONE, run.exitCode());
    assertEquals("", run.err());
    for (String fact :
        List.of(
            "digits-32, DDPMPipeline",
            "UNet2DModel, 3,794,657 parameters, F32, 14.5 MiB",
            "DPMSolverMultistepScheduler",
            "memory of unet on cpu in f32",
            "batch 16")) {
      assertTrue(run.out().contains(fact), run.out());
    }
  }

  @Test
  void inspectTakesAModulesOwnFolder() {
    CliRun run =
        CliRun.of(folder, "inspect", "--model", Golden.folder("modules/unet-sdxl").toString());
    assertEquals(ExitCode.DONE, run.exitCode());
    assertTrue(run.out().contains("UNet2DConditionModel"), run.out());
    assertTrue(run.out().contains("batch 1 "), run.out());
  }

  @Test
  void doctorHasALineForEveryCheck() {
    CliRun run = CliRun.of(folder, "doctor");
    assertEquals(ExitCode.DONE, run.exitCode(), run.out());
    assertEquals("", run.err());
    assertEquals(MachineCheck.all().size(), run.out().lines().count());
    assertTrue(
        run.out().lines().allMatch(line -> line.matches("(ok|note|problem) +\\S.*")), run.out());
  }
}
