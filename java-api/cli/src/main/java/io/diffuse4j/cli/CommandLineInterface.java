package io.diffuse4j.cli;

import io.diffuse4j.core.engine.CancelToken;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command line apart from the process: no static state, its own streams and directory. One
 * instance runs one command.
 */
public final class CommandLineInterface {
  private static final int HELP_WIDTH = 100;

  private final Environment environment;
  private final RootCommand root = new RootCommand();
  private final CommandLine commands;
  private final CountDownLatch ended = new CountDownLatch(1);

  /**
   * @param out standard output
   * @param err standard error
   * @param directory what relative paths are relative to
   * @param terminal whether {@code err} is a terminal, so that progress is worth showing
   */
  public CommandLineInterface(PrintStream out, PrintStream err, Path directory, boolean terminal) {
    environment =
        new Environment(
            out, err, directory.toAbsolutePath(), terminal, new CancelToken(), new StagedOutputs());
    commands =
        new CommandLine(root)
            .addSubcommand(new GenerateCommand(environment))
            .addSubcommand(new ModuleCommand(environment))
            .addSubcommand(new ReplayCommand(environment))
            .addSubcommand(new InspectCommand(environment))
            .addSubcommand(KernelsCommand.create(environment))
            .addSubcommand(new DoctorCommand(environment))
            .setOut(new PrintWriter(out, true, StandardCharsets.UTF_8))
            .setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF))
            .setUsageHelpWidth(HELP_WIDTH)
            .setExpandAtFiles(false)
            .setParameterExceptionHandler(usage())
            .setExecutionExceptionHandler((e, command, parsed) -> report(command, e));
  }

  /** The commands as picocli holds them: what help is printed from. */
  CommandLine commands() {
    return commands;
  }

  /**
   * Runs a command; whatever goes wrong is reported on standard error.
   *
   * @return the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted
   */
  public int run(String... arguments) {
    try {
      int code = execute(arguments);
      environment.outputs().close();
      if (environment.out().checkError() && code == ExitCode.DONE) {
        environment.err().println("diffuse4j: standard output cannot be written to");
        return ExitCode.FAILED;
      }
      return code;
    } catch (IOException e) {
      environment.err().println("diffuse4j: temporary files remain: " + IoReason.of(e));
      return ExitCode.FAILED;
    } finally {
      ended.countDown();
    }
  }

  private int execute(String... arguments) {
    try {
      return commands.execute(arguments);
    } catch (OutOfMemoryError | LinkageError e) {
      // picocli passes on what is no Exception.
      return report(commands, e);
    }
  }

  /**
   * Ends the running command, from another thread: it stops before its next network call and leaves
   * no file. Returns when it has ended or {@code patience} is over.
   */
  public void interrupt(long patience, TimeUnit unit) {
    environment.cancel().cancel();
    try {
      if (!ended.await(patience, unit)) {
        environment.outputs().close();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      environment.err().println("diffuse4j: temporary files remain: " + IoReason.of(e));
    }
  }

  /** Whether the command has ended. */
  public boolean hasEnded() {
    return ended.getCount() == 0;
  }

  private IParameterExceptionHandler usage() {
    return (e, arguments) -> {
      CommandLine command = e.getCommandLine();
      ErrorReport.wrongUsage(command, message(e)).print(environment.err());
      if (root.verbose) {
        e.printStackTrace(environment.err());
      }
      return ExitCode.WRONG_USAGE;
    };
  }

  private static String message(ParameterException e) {
    if (!(e instanceof UnmatchedArgumentException unmatched)) {
      return e.getMessage();
    }
    // picocli lists all words that follow, too, which are the unknown option's own.
    String first = unmatched.getUnmatched().get(0);
    if (first.startsWith("-")) {
      return "unknown option '" + first + "'";
    }
    boolean verb = !e.getCommandLine().getSubcommands().isEmpty();
    return (verb ? "unknown verb '" : "unexpected argument '") + first + "'";
  }

  private int report(CommandLine command, Throwable e) {
    ErrorReport report = ErrorReport.of(command, e);
    report.print(environment.err());
    if (root.verbose) {
      e.printStackTrace(environment.err());
    }
    return report.exitCode();
  }
}
