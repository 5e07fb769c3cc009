package io.diffuse4j.cli;

import io.diffuse4j.cli.spi.KernelToolException;
import io.diffuse4j.cli.spi.KernelTools;
import io.diffuse4j.core.engine.CancelledException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ServiceLoader;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** How commands get at the {@link KernelTools}, which may not be there. */
final class KernelToolbox {
  /** Where the launcher says that the checkout is. */
  private static final String HOME = "diffuse4j.home";

  private static final int CANCEL_POLL_MILLISECONDS = 50;

  private KernelToolbox() {}

  /** What a command asks of the tools. */
  interface Question<T> {
    T ask(KernelTools tools) throws IOException;
  }

  /**
   * The tools.
   *
   * @throws FailureException if the artifact that provides them is not there
   */
  static KernelTools find() {
    return ServiceLoader.load(KernelTools.class)
        .findFirst()
        .orElseThrow(
            () ->
                new FailureException(
                    "diffuse4j-cli-kernels.jar is not beside the other jars in lib; put it there"
                        + " with what it depends on, or use ./diffuse4j of a checkout"));
  }

  /**
   * Asks the tools something that takes long. An interrupt ends the wait, though not the work: the
   * process is about to end then.
   */
  static <T> T call(Environment environment, Question<T> question) throws IOException {
    KernelTools tools = find();
    FutureTask<T> task = new FutureTask<>(() -> question.ask(tools));
    Thread thread = new Thread(task, "kernels");
    thread.setDaemon(true);
    thread.start();
    while (true) {
      try {
        return task.get(CANCEL_POLL_MILLISECONDS, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        if (environment.cancel().isCancelled()) {
          throw new CancelledException("cancelled");
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CancelledException("interrupted");
      } catch (ExecutionException e) {
        throw explained(environment, e.getCause());
      }
    }
  }

  private static RuntimeException explained(Environment environment, Throwable e)
      throws IOException {
    if (e instanceof KernelToolException tool) {
      // The compiler's messages are what the user wants to read; the last line says what happened.
      if (!tool.log().isEmpty()) {
        environment.err().println(tool.log());
      }
      return new FailureException(tool.getMessage(), tool);
    }
    if (e instanceof IOException io) {
      throw io;
    }
    if (e instanceof Error error) {
      throw error;
    }
    return (RuntimeException) e;
  }

  /**
   * The checkout that the launcher belongs to.
   *
   * @throws FailureException if this is no checkout
   */
  static Path checkout() {
    String home = System.getProperty(HOME);
    if (home == null || !Files.isDirectory(Path.of(home, "cuda-kernels"))) {
      throw new FailureException(
          "this needs the kernels' sources; run it as ./diffuse4j of a checkout");
    }
    return Path.of(home);
  }
}
