package io.diffuse4j.core.scheduler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.core.VirtualTestDevice;
import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.sampler.SamplerReplay;
import io.diffuse4j.weights.ModelConfig;
import io.diffuse4j.weights.SafetensorsFile;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every scheduler against the trajectories that diffusers recorded, on every kind of device. */
class SchedulerGoldenTest {
  private static Device cpu;
  private static VirtualTestDevice virtual;

  @BeforeAll
  static void open() {
    cpu = Device.cpu();
    virtual = VirtualTestDevice.checked();
  }

  @AfterAll
  static void close() {
    cpu.close();
    virtual.close();
  }

  /** DESIGN's bound for a replay, every step. */
  private static final double BOUND = 1e-5;

  private static Path goldens() throws URISyntaxException {
    return Path.of(SchedulerGoldenTest.class.getResource("/golden/schedulers").toURI());
  }

  static List<String> cases() throws Exception {
    try (Stream<Path> folders = Files.list(goldens())) {
      return folders.map(f -> f.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void thereAre34Cases() throws Exception {
    assertEquals(34, cases().size());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theDevicesSamplerFollowsTheRecordedTrajectory(String name) throws Exception {
    Path folder = goldens().resolve(name);
    ModelConfig golden = ModelConfig.read(folder.resolve("case.json"));
    List<String> options = new ArrayList<>();
    ModelConfig arguments = golden.object("step_args").orElseThrow();
    for (String argument : arguments.fieldNames()) {
      options.add(argument + "=" + arguments.raw(argument));
    }
    List<String> warnings = new ArrayList<>();
    Scheduler scheduler =
        Schedulers.create(
            ModelConfig.read(folder.resolve("scheduler_config.json")),
            null,
            options,
            warnings::add);
    assertEquals(List.of(), warnings);
    CoefficientTable table = scheduler.table(golden.integer("steps", 0, 1, 1000));
    assertEquals(golden.number("init_noise_sigma", 0), table.initNoiseSigma(), 1e-6 * 15);

    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("trajectory.safetensors"))) {
      assertArrayEquals(file.get("timesteps").toFloats(), floats(table.timesteps()), name);
      assertSchedule(folder, file);
      assertFalse(file.has(String.format("step.%03d.model_output", table.calls())));
      follow(cpu, table, file);
      follow(virtual.device(), table, file);
    }
  }

  private static void follow(Device device, CoefficientTable table, SafetensorsFile file) {
    long[] shape = file.get("initial").shape();
    int pixels = (int) (shape[2] * shape[3]);
    float[] initial = file.get("initial").toFloats();
    int channels = (int) shape[1];
    try (SamplerReplay replay =
        new SamplerReplay(device, table, (int) shape[0], channels, pixels, channels, initial)) {
      for (int call = 0; call < table.calls(); call++) {
        String step = String.format("step.%03d.", call);
        boolean drawn = file.has(step + "noise.0");
        assertEquals(drawn, table.drawsNoise(call), step + "noise.0");
        assertFalse(file.has(step + "noise.1"));
        float[] noise = drawn ? file.get(step + "noise.0").toFloats() : null;
        float[] after = replay.step(call, file.get(step + "model_output").toFloats(), noise);
        double error = error(after, file.get(step + "prev_sample").toFloats());
        assertTrue(error <= BOUND, device.kind() + " " + step + "prev_sample: " + error);
      }
    }
  }

  /**
   * The cumulative alphas are PyTorch's to the last bit; to the last but one where they are shifted
   * to a zero terminal SNR, whose intermediate roundings depend on PyTorch's vector width.
   */
  private static void assertSchedule(Path folder, SafetensorsFile file) {
    if (file.has("alphas_cumprod")) {
      ModelConfig config = ModelConfig.read(folder.resolve("scheduler_config.json"));
      boolean keepsTerminal = !config.string("_class_name", "").startsWith("DDIM");
      SchedulerFields fields = new SchedulerFields(config);
      NoiseSchedule schedule =
          NoiseSchedule.of(fields, true, keepsTerminal, 0.0001, 0.02, "linear");
      double[] alphas = IntStream.range(0, 1000).mapToDouble(schedule::alphaBar).toArray();
      float delta = config.bool("rescale_betas_zero_snr", false) ? 0x1p-23f : 0;
      float[] expected = file.get("alphas_cumprod").toFloats();
      for (int t = 0; t < expected.length; t++) {
        assertTrue(Math.abs(expected[t] - (float) alphas[t]) <= delta, "timestep " + t);
      }
    }
  }

  private static float[] floats(double[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }

  private static double error(float[] actual, float[] expected) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      double d = (double) actual[i] - expected[i];
      difference += d * d;
      norm += (double) expected[i] * expected[i];
    }
    return Math.sqrt(difference / norm);
  }

  @Test
  void theConfigurationsHoldInfinityAsDiffusersWritesIt() throws Exception {
    ModelConfig config = ModelConfig.read(goldens().resolve("dpmpp-2m/scheduler_config.json"));
    assertEquals(Double.NEGATIVE_INFINITY, config.number("lambda_min_clipped", 0));
    assertNull(config.raw("variance_type"));
  }
}
