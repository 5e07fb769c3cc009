package io.diffuse4j.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.diffuse4j.cli.spi.KernelTestRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What {@code kernels check} and {@code kernels profile} do without a file. */
final class OwnKernels {
  /** The groups of tests of what kernels compute. */
  static final List<String> FAMILIES =
      List.of("attention", "conv", "elementwise", "gemm", "linear_small", "norm", "sampler");

  /** The groups of tests of how kernels use memory and tensor cores. */
  private static final List<String> COUNTERS =
      List.of("attention_counters", "matrix_counters", "memory_counters");

  private final Environment environment;
  private final KernelLaunchOptions options;

  OwnKernels(Environment environment, KernelLaunchOptions options) {
    this.environment = environment;
    this.options = options;
  }

  /** Runs the tests of families under all checkers. */
  int check(List<String> families) throws IOException {
    for (String family : families) {
      if (!FAMILIES.contains(family)) {
        throw Arguments.wrong("--family", family, "one of " + String.join(", ", FAMILIES));
      }
    }
    return run(
        families.isEmpty() ? FAMILIES : families.stream().distinct().toList(), "check=all", false);
  }

  /** Compares counters with their ideals. */
  int profile() throws IOException {
    // One thread, as the gates have it: which block first touches a byte then repeats.
    return run(COUNTERS, "check=none,counters=on,threads=1", true);
  }

  private int run(List<String> families, String settings, boolean everyCase) throws IOException {
    options.refuseWithoutFile();
    String all = settings + "," + options.settings();
    Path checkout = KernelToolbox.checkout();
    Map<String, KernelTestRun> runs = new LinkedHashMap<>();
    for (String family : families) {
      KernelTestRun run =
          KernelToolbox.call(environment, tools -> tools.test(checkout, family, all, everyCase));
      runs.put(family, run);
      if (!options.json) {
        environment.out().println(family + ":" + (everyCase ? "\n" : " ") + run.output());
      }
    }
    if (options.json) {
      JsonLine.print(environment.out(), json -> write(json, runs));
    }
    boolean passed = runs.values().stream().allMatch(KernelTestRun::passed);
    return passed ? ExitCode.DONE : ExitCode.FAILED;
  }

  private void write(JsonGenerator json, Map<String, KernelTestRun> runs) throws IOException {
    json.writeStringField("schedule", options.schedule);
    json.writeArrayFieldStart("families");
    for (Map.Entry<String, KernelTestRun> run : runs.entrySet()) {
      json.writeStartObject();
      json.writeStringField("family", run.getKey());
      json.writeBooleanField("passed", run.getValue().passed());
      json.writeStringField("output", run.getValue().output());
      json.writeEndObject();
    }
    json.writeEndArray();
  }
}
