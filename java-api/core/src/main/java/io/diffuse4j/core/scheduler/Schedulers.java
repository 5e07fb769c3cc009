package io.diffuse4j.core.scheduler;

import io.diffuse4j.weights.InvalidModelException;
import io.diffuse4j.weights.ModelConfig;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Makes schedulers from configurations as diffusers writes them, by their class name or by the
 * short name of a method.
 */
public final class Schedulers {
  static final String[] BETA_SCHEDULES = {
    "linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid", "laplace", "exp"
  };

  /** What the schedulers of diffusers know, all together. */
  private static final String[] FIELDS = {
    "algorithm_type",
    "beta_end",
    "beta_schedule",
    "beta_start",
    "clip_sample",
    "clip_sample_range",
    "disable_corrector",
    "dynamic_thresholding_ratio",
    "euler_at_final",
    "final_sigmas_type",
    "flow_shift",
    "interpolation_type",
    "lambda_min_clipped",
    "lower_order_final",
    "num_train_timesteps",
    "original_inference_steps",
    "predict_x0",
    "prediction_type",
    "rescale_betas_zero_snr",
    "sample_max_value",
    "set_alpha_to_one",
    "shift_terminal",
    "sigma_max",
    "sigma_min",
    "skip_prk_steps",
    "solver_order",
    "solver_p",
    "solver_type",
    "steps_offset",
    "thresholding",
    "time_shift_type",
    "timestep_scaling",
    "timestep_spacing",
    "timestep_type",
    "trained_betas",
    "use_beta_sigmas",
    "use_dynamic_shifting",
    "use_exponential_sigmas",
    "use_flow_sigmas",
    "use_karras_sigmas",
    "use_lu_lambdas",
    "variance_type"
  };

  /** The name of the method that chooses its steps as it goes: see {@link DpmAdaptive}. */
  public static final String ADAPTIVE = "dpm-adaptive";

  private static final String ENDING = "Scheduler";

  private static final Map<String, Function<SchedulerFields, Scheduler>> CLASSES = classes();
  private static final Map<String, ShortName> SHORT_NAMES = shortNames();

  /** A class, and the fields that a short name sets, as JSON. */
  private record ShortName(String className, String fields) {}

  private Schedulers() {}

  private static Map<String, Function<SchedulerFields, Scheduler>> classes() {
    Map<String, Function<SchedulerFields, Scheduler>> map = new LinkedHashMap<>();
    map.put("DDPM", Ddpm::new);
    map.put("DDIM", Ddim::new);
    map.put("DPMSolverMultistep", DpmSolverMultistep::new);
    map.put("DPMSolverSinglestep", DpmSolverSinglestep::new);
    map.put("UniPCMultistep", UniPc::new);
    map.put("DEISMultistep", Deis::new);
    map.put("EulerDiscrete", Euler::new);
    map.put("EulerAncestralDiscrete", EulerAncestral::new);
    map.put("HeunDiscrete", Heun::new);
    map.put("PNDM", Pndm::new);
    map.put("LCM", Lcm::new);
    return map;
  }

  private static Map<String, ShortName> shortNames() {
    Map<String, ShortName> map = new LinkedHashMap<>();
    map.put("ddpm", new ShortName("DDPM", "{}"));
    map.put("ddim", new ShortName("DDIM", "{}"));
    for (int order = 1; order <= 3; order++) {
      map.put("dpmpp-" + order + "m", dpm("Multistep", "dpmsolver++", order));
      map.put("dpmpp-" + order + "s", dpm("Singlestep", "dpmsolver++", order));
      map.put("dpmpp-" + order + "m-sde", dpm("Multistep", "sde-dpmsolver++", order));
      map.put("dpm-" + order + "m", dpm("Multistep", "dpmsolver", order));
      map.put("dpm-" + order + "s", dpm("Singlestep", "dpmsolver", order));
    }
    map.put("unipc", new ShortName("UniPCMultistep", "{}"));
    map.put("deis", new ShortName("DEISMultistep", "{}"));
    map.put("euler", new ShortName("EulerDiscrete", "{}"));
    map.put("euler-a", new ShortName("EulerAncestralDiscrete", "{}"));
    map.put("heun", new ShortName("HeunDiscrete", "{}"));
    map.put("pndm", new ShortName("PNDM", "{}"));
    map.put("plms", new ShortName("PNDM", "{\"skip_prk_steps\": true}"));
    map.put("lcm", new ShortName("LCM", "{}"));
    return map;
  }

  private static ShortName dpm(String kind, String algorithm, int order) {
    String end = algorithm.endsWith("++") ? "zero" : "sigma_min";
    return new ShortName(
        "DPMSolver" + kind,
        String.format(
            "{\"algorithm_type\": \"%s\", \"solver_order\": %d, \"final_sigmas_type\": \"%s\"}",
            algorithm, order, end));
  }

  /** All names that {@link #create} takes, classes first. */
  public static List<String> names() {
    Set<String> names = new TreeSet<>(SHORT_NAMES.keySet());
    names.add(ADAPTIVE);
    return Stream.concat(CLASSES.keySet().stream(), names.stream()).toList();
  }

  /** Whether {@code name} is the method that takes no number of steps. */
  public static boolean isAdaptive(String name) {
    return ADAPTIVE.equalsIgnoreCase(name);
  }

  /** The scheduler that the configuration's {@code _class_name} names. */
  public static Scheduler create(ModelConfig config, Consumer<String> warnings) {
    return create(config, null, List.of(), warnings);
  }

  /**
   * A scheduler by name, with what the model's configuration says and options on top.
   *
   * @param config fields, whatever class wrote them: those that the chosen class shares are carried
   *     over, as diffusers' {@code from_config} does
   * @param name a class name with or without its {@code Scheduler} ending, or a short name; null
   *     for the configuration's own
   * @param options {@code field=value} each, over all else; {@code eta} for DDIM too
   * @param warnings takes one line if the configuration has fields that no scheduler knows
   * @throws InvalidModelException if a field has a value that cannot be used
   * @throws IllegalArgumentException if the name, or the field of an option, is not known, or
   *     fields contradict each other
   */
  public static Scheduler create(
      ModelConfig config, String name, List<String> options, Consumer<String> warnings) {
    String chosen = name != null ? name : className(config);
    if (isAdaptive(chosen)) {
      throw new IllegalArgumentException(
          ADAPTIVE + " chooses its steps as it goes: it has no table");
    }
    ShortName shortName = resolve(chosen);
    ModelConfig set = SchedulerOptions.parse(options);
    ModelConfig preset = ModelConfig.parse(chosen, shortName.fields());
    Scheduler scheduler =
        CLASSES.get(shortName.className()).apply(new SchedulerFields(set, preset, config));
    finish(config, set, scheduler.name(), warnings);
    return scheduler;
  }

  /**
   * Adaptive DPM-Solver for the model of a configuration; {@code order}, {@code atol} and {@code
   * rtol} are its options.
   */
  public static DpmAdaptive adaptive(
      ModelConfig config, List<String> options, Consumer<String> warnings) {
    ModelConfig set = SchedulerOptions.parse(options);
    DpmAdaptive adaptive = new DpmAdaptive(new SchedulerFields(set, config));
    finish(config, set, ADAPTIVE, warnings);
    return adaptive;
  }

  private static void finish(
      ModelConfig config, ModelConfig options, String name, Consumer<String> warnings) {
    Set<String> unknown = options.unknownFields();
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException(name + " has no option " + String.join(", ", unknown));
    }
    String own = config.string("_class_name", name);
    if (!strip(own).equals(name)) {
      // Another class wrote the file: its fields are no surprise here.
      config.ignore(FIELDS);
    }
    config.warnUnknownFields(warnings);
  }

  private static String className(ModelConfig config) {
    return config
        .optionalString("_class_name")
        .orElseThrow(
            () -> config.invalid("_class_name", "missing; a scheduler must be asked for by name"));
  }

  private static String strip(String name) {
    return name.endsWith(ENDING) ? name.substring(0, name.length() - ENDING.length()) : name;
  }

  private static ShortName resolve(String name) {
    String stripped = strip(name);
    for (String known : CLASSES.keySet()) {
      if (known.equalsIgnoreCase(stripped)) {
        return new ShortName(known, "{}");
      }
    }
    ShortName shortName = SHORT_NAMES.get(name.toLowerCase(Locale.ROOT));
    if (shortName == null) {
      throw new IllegalArgumentException(
          "no scheduler '" + name + "'; there are " + String.join(", ", names()));
    }
    return shortName;
  }
}
