package io.diffuse4j.core.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.sampler.SamplerReplay;
import io.diffuse4j.weights.InvalidModelException;
import io.diffuse4j.weights.ModelConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every scheduler in every spacing at the ends of what can be asked for. */
class SchedulerEdgesTest {
  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.cpu();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  private static final int[] STEPS = {1, 2, 3, 4, 5, 8, 11, 14, 15, 998, 999, 1000};

  static List<List<String>> settings() {
    List<List<String>> all = new ArrayList<>();
    // Orders and algorithms of the DPM solvers by their short names; the others once each.
    List<String> names =
        Schedulers.names().stream()
            .filter(n -> n.matches("dpm(pp)?-[123][ms](-sde)?|[A-Z].*") && !n.startsWith("DPM"))
            .toList();
    for (String name : names) {
      for (String spacing : new String[] {"linspace", "leading", "trailing"}) {
        if (isSinglestep(name) && !spacing.equals("linspace")) {
          continue;
        }
        for (String prediction : predictions(name)) {
          List<String> options = new ArrayList<>(List.of(name));
          if (!isSinglestep(name)) {
            options.add("timestep_spacing=" + spacing);
          }
          options.add("prediction_type=" + prediction);
          all.add(options);
          if (knowsOffset(name)) {
            all.add(with(options, "steps_offset=1"));
          }
          if (knowsZeroSnr(name)) {
            all.add(with(options, "rescale_betas_zero_snr=true"));
          }
          if (knowsLevels(name)) {
            all.add(with(options, "use_karras_sigmas=true"));
            all.add(with(options, "use_exponential_sigmas=true"));
            all.add(with(options, "use_beta_sigmas=true"));
          }
          if (knowsOrder(name)) {
            all.add(with(options, "lower_order_final=false"));
          }
          all.add(with(options, "beta_start=0"));
        }
      }
    }
    return all;
  }

  private static List<String> with(List<String> options, String option) {
    List<String> more = new ArrayList<>(options);
    more.add(option);
    return more;
  }

  private static boolean isSinglestep(String name) {
    return name.contains("Singlestep") || name.matches("dpm(pp)?-[123]s");
  }

  private static String[] predictions(String name) {
    boolean noSample = name.matches("PNDM|pndm|plms|euler-a|EulerAncestralDiscrete");
    return noSample
        ? new String[] {"epsilon", "v_prediction"}
        : new String[] {"epsilon", "sample", "v_prediction"};
  }

  private static boolean knowsOffset(String name) {
    return !isSinglestep(name);
  }

  private static boolean knowsZeroSnr(String name) {
    return !name.matches("PNDM|pndm|plms|deis|DEISMultistep|heun|HeunDiscrete")
        && !isSinglestep(name);
  }

  private static boolean knowsOrder(String name) {
    return name.matches("dpm.*|unipc|deis|.*step");
  }

  private static boolean knowsLevels(String name) {
    return knowsOrder(name) || name.matches("euler|EulerDiscrete|heun|HeunDiscrete");
  }

  private static int calls(String name, int steps) {
    return switch (name) {
      case "heun", "HeunDiscrete" -> 2 * steps - 1;
      case "pndm", "PNDM" -> steps <= 3 ? calls("plms", steps) : steps + 9;
      case "plms" -> steps == 1 ? 1 : steps + 1;
      default -> steps;
    };
  }

  @ParameterizedTest
  @MethodSource("settings")
  void neverNotANumberAndNeverAWrongNumberOfSteps(List<String> setting) {
    String name = setting.get(0);
    List<String> options = setting.subList(1, setting.size());
    Scheduler scheduler =
        Schedulers.create(ModelConfig.parse("test", "{}"), name, options, w -> {});
    Random random = new Random(5);
    float[] start = normals(random, 6);
    for (int steps : STEPS) {
      if (steps > scheduler.maxSteps()) {
        assertThrows(IllegalArgumentException.class, () -> scheduler.table(steps));
        continue;
      }
      // The table itself refuses a coefficient that is not finite.
      CoefficientTable table = scheduler.table(steps);
      assertEquals(calls(name, steps), table.calls(), steps + " steps");
      for (double t : table.timesteps()) {
        assertTrue(t >= 0 && t <= 999, steps + " steps: timestep " + t);
      }
      if (steps <= 11 || steps == 1000) {
        assertFinite(table, start, random, steps);
      }
      int begin = steps / 3;
      CoefficientTable rest = scheduler.table(steps, begin);
      assertEquals(table.timesteps()[table.calls() - 1], rest.timesteps()[rest.calls() - 1]);
    }
  }

  private static void assertFinite(
      CoefficientTable table, float[] start, Random random, int steps) {
    try (SamplerReplay replay = new SamplerReplay(device, table, 1, 2, 3, 2, start)) {
      float[] latents = start;
      for (int call = 0; call < table.calls(); call++) {
        float[] noise = table.drawsNoise(call) ? normals(random, 6) : null;
        latents = replay.step(call, normals(random, 6), noise);
      }
      for (float value : latents) {
        assertTrue(Float.isFinite(value), steps + " steps: " + value);
      }
    }
  }

  private static float[] normals(Random random, int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static Scheduler create(String config, String name, String... options) {
    return Schedulers.create(
        ModelConfig.parse("scheduler_config.json", config), name, List.of(options), w -> {});
  }

  @Test
  void repeatedTimestepsOfAPerfectNetworkAreStepsThatChangeNothing() {
    // 1000 steps with linspace spread 1001 points over 1000 timesteps: one repeats.
    CoefficientTable table = create("{}", "dpmpp-2m").table(1000);
    double[] timesteps = table.timesteps();
    int repeats = 0;
    for (int i = 1; i < timesteps.length; i++) {
      if (timesteps[i] == timesteps[i - 1]) {
        repeats++;
        assertEquals(1, table.rows().get(i - 1).update().x());
        assertEquals(0, table.rows().get(i - 1).update().m());
      }
    }
    assertTrue(repeats > 0);
  }

  @Test
  void fieldsOfAnotherClassAreCarriedOverWithoutAWarning() {
    List<String> warnings = new ArrayList<>();
    ModelConfig config =
        ModelConfig.parse(
            "scheduler_config.json",
            "{\"_class_name\": \"PNDMScheduler\", \"beta_end\": 0.012,"
                + " \"beta_schedule\": \"scaled_linear\", \"beta_start\": 0.00085,"
                + " \"skip_prk_steps\": true, \"steps_offset\": 1}");
    Scheduler carried = Schedulers.create(config, "DDIMScheduler", List.of(), warnings::add);
    Scheduler direct =
        create(
            "{}",
            "ddim",
            "beta_end=0.012",
            "beta_start=0.00085",
            "beta_schedule=scaled_linear",
            "steps_offset=1");
    assertEquals(direct.table(10), carried.table(10));
    assertEquals(List.of(), warnings);
  }

  @Test
  void anUnknownFieldIsOneWarningAndAnUnknownOptionAnError() {
    List<String> warnings = new ArrayList<>();
    ModelConfig config =
        ModelConfig.parse("c.json", "{\"_class_name\": \"DDIMScheduler\", \"a\": 1, \"b\": 2}");
    Schedulers.create(config, warnings::add);
    assertEquals(1, warnings.size());
    assertTrue(warnings.get(0).contains("a") && warnings.get(0).contains("b"));
    assertMessage("has no option karras", () -> create("{}", "ddim", "karras=true"));
    assertMessage("FIELD=VALUE", () -> create("{}", "ddim", "eta"));
    assertMessage("no scheduler 'ddom'", () -> create("{}", "ddom"));
    assertMessage("use sigma_min", () -> create("{}", "dpm-2m", "final_sigmas_type=zero"));
    assertMessage("1 to 1000 steps", () -> create("{}", "ddim").table(0));
    assertMessage("begin must be 0 to 4", () -> create("{}", "ddim").table(5, 5));
  }

  @Test
  void whatIsKnownButNotImplementedIsRefusedByName() {
    for (String option : new String[] {"use_flow_sigmas=true", "flow_shift=3"}) {
      InvalidModelException e =
          assertThrows(
              InvalidModelException.class, () -> create("{}", "DPMSolverMultistep", option));
      assertTrue(e.getMessage().contains(option.substring(0, option.indexOf('='))), e.getMessage());
    }
    InvalidModelException e =
        assertThrows(
            InvalidModelException.class,
            () -> create("{}", "unipc", "prediction_type=flow_prediction"));
    assertTrue(e.getMessage().contains("prediction_type"), e.getMessage());
  }

  private static void assertMessage(String part, Runnable action) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, action::run);
    assertTrue(e.getMessage().contains(part), e.getMessage());
  }
}
