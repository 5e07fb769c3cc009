package io.diffuse4j.cli;

import java.io.PrintStream;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** Looks at what the engine needs of the machine. */
@Command(
    name = "doctor",
    description = "Check what the engine needs of this machine: a line each, with what to do.",
    optionListHeading = "%nOptions:%n",
    footer = {"", "Exit code 1 if there is a problem."})
final class DoctorCommand implements Callable<Integer> {
  private final Environment environment;

  DoctorCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    PrintStream out = environment.out();
    boolean problem = false;
    for (MachineCheck check : MachineCheck.all()) {
      Finding finding = check.look();
      out.printf(
          "%-8s %-14s %s%s%n",
          finding.level().name().toLowerCase(Locale.ROOT),
          check.title(),
          finding.text(),
          finding.advice().isEmpty() ? "" : "; " + finding.advice());
      problem |= finding.level() == Finding.Level.PROBLEM;
    }
    return problem ? ExitCode.FAILED : ExitCode.DONE;
  }
}
