package io.diffuse4j.cli;

import io.diffuse4j.core.scheduler.DpmAdaptive;
import io.diffuse4j.core.scheduler.Scheduler;
import io.diffuse4j.core.scheduler.Schedulers;
import io.diffuse4j.weights.InvalidModelException;
import io.diffuse4j.weights.ModelConfig;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Which sampling method, as the command line puts it together.
 *
 * @param config the configuration it starts from: the model's, or the user's file
 * @param name a class or short name; null for the configuration's own
 * @param options {@code field=value} each
 */
record SchedulerChoice(ModelConfig config, String name, List<String> options) {
  /** Whether it is the method that chooses its steps as it goes. */
  boolean isAdaptive() {
    return name != null && Schedulers.isAdaptive(name);
  }

  /**
   * The scheduler.
   *
   * @throws UsageException if the name or an option is wrong
   * @throws InvalidModelException if the configuration is
   */
  Scheduler create(Consumer<String> warnings) {
    return blaming(set -> Schedulers.create(config, name, set, warnings));
  }

  /**
   * The method that chooses its steps as it goes.
   *
   * @throws UsageException if an option is wrong
   * @throws InvalidModelException if the configuration is
   */
  DpmAdaptive adaptive(Consumer<String> warnings) {
    return blaming(set -> Schedulers.adaptive(config, set, warnings));
  }

  /** A value that does not do is the command line's fault if the file alone would do. */
  private <T> T blaming(Function<List<String>, T> make) {
    try {
      return make.apply(options);
    } catch (IllegalArgumentException e) {
      throw new UsageException(e.getMessage(), e);
    } catch (InvalidModelException e) {
      if (!options.isEmpty() && doesWithoutOptions(make)) {
        throw new UsageException(e.getMessage(), e);
      }
      throw e;
    }
  }

  private static <T> boolean doesWithoutOptions(Function<List<String>, T> make) {
    try {
      return make.apply(List.of()) != null;
    } catch (InvalidModelException | IllegalArgumentException e) {
      return false;
    }
  }
}
