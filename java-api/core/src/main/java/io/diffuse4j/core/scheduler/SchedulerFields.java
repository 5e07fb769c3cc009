package io.diffuse4j.core.scheduler;

import io.diffuse4j.core.sampler.Limit;
import io.diffuse4j.weights.ModelConfig;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * The fields of a scheduler: those that the user set, else those of the short name that the user
 * gave, else those of the configuration file, else diffusers' default.
 */
final class SchedulerFields {
  private final List<ModelConfig> sources;

  /**
   * @param sources the first that has a field decides
   */
  SchedulerFields(ModelConfig... sources) {
    this.sources = List.of(sources);
  }

  private ModelConfig source(String field) {
    ModelConfig chosen = sources.get(sources.size() - 1);
    boolean found = false;
    for (ModelConfig source : sources) {
      source.ignore(field);
      if (!found && source.has(field)) {
        chosen = source;
        found = true;
      }
    }
    return chosen;
  }

  double number(String field, double defaultValue) {
    return source(field).number(field, defaultValue);
  }

  /** A number in [min, max]. */
  double number(String field, double defaultValue, double min, double max) {
    double value = number(field, defaultValue);
    if (!(value >= min && value <= max)) {
      throw source(field)
          .invalid(field, "expected a number from " + min + " to " + max + ", found " + value);
    }
    return value;
  }

  OptionalDouble positive(String field) {
    OptionalDouble value = source(field).optionalNumber(field);
    if (value.isPresent() && !(value.getAsDouble() > 0 && Double.isFinite(value.getAsDouble()))) {
      throw source(field)
          .invalid(field, "expected a positive number, found " + value.getAsDouble());
    }
    return value;
  }

  int integer(String field, int defaultValue, int min, int max) {
    return source(field).integer(field, defaultValue, min, max);
  }

  OptionalInt optionalInteger(String field, int min, int max) {
    return source(field).optionalInteger(field, min, max);
  }

  boolean bool(String field, boolean defaultValue) {
    return source(field).bool(field, defaultValue);
  }

  List<Integer> integers(String field) {
    return source(field).integers(field, List.of(), 0, Integer.MAX_VALUE);
  }

  List<Double> numbers(String field) {
    return source(field).numbers(field, List.of());
  }

  String oneOf(String field, String defaultValue, String... allowed) {
    String value = source(field).string(field, defaultValue);
    if (!Arrays.asList(allowed).contains(value)) {
      throw source(field)
          .invalid(field, "'" + value + "' is not one of " + String.join(", ", allowed));
    }
    return value;
  }

  /** Refuses a field that is known but not implemented, unless it has diffusers' default. */
  void requireDefault(String field, Object defaultValue) {
    source(field).requireDefault(field, defaultValue);
  }

  /** Flow matching, which DPM-Solver, UniPC and DEIS know in diffusers and we do not. */
  void requireNoFlow() {
    requireDefault("use_flow_sigmas", false);
    requireDefault("use_dynamic_shifting", false);
    requireDefault("flow_shift", 1.0);
    requireDefault("time_shift_type", "exponential");
  }

  /** {@code thresholding}, else {@code clip_sample}. */
  Limit limit(boolean clipDefault) {
    Limit threshold = threshold();
    double range = number("clip_sample_range", 1, Float.MIN_NORMAL, Float.MAX_VALUE);
    boolean clip = bool("clip_sample", clipDefault);
    return threshold == Limit.NONE && clip ? new Limit.Clip(range) : threshold;
  }

  /** {@code thresholding}. */
  Limit threshold() {
    double ratio = number("dynamic_thresholding_ratio", 0.995, 0, 1);
    double largest = number("sample_max_value", 1, Float.MIN_NORMAL, Float.MAX_VALUE);
    return bool("thresholding", false) ? new Limit.DynamicThreshold(ratio, largest) : Limit.NONE;
  }

  Prediction prediction(Prediction... allowed) {
    String[] names = Arrays.stream(allowed).map(Prediction::field).toArray(String[]::new);
    String name = oneOf("prediction_type", "epsilon", names);
    return Arrays.stream(allowed).filter(p -> p.field().equals(name)).findFirst().orElseThrow();
  }
}
