package io.diffuse4j.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.diffuse4j.cli.spi.KernelTestDetail;
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
  private static final List<String> COUNTERS = List.of("attention", "matrix", "memory");

  private final Environment environment;
  private final KernelLaunchOptions options;

  OwnKernels(Environment environment, KernelLaunchOptions options) {
    this.environment = environment;
    this.options = options;
  }

  /** Runs the tests of families under all checkers. */
  int check(List<String> families) throws IOException {
    return run(chosen(families, FAMILIES), "check=all", KernelTestDetail.SUMMARY);
  }

  /** Compares counters with their ideals, and predicts times if wanted. */
  int profile(List<String> families, boolean times) throws IOException {
    // One thread, as the gates have it: which block first touches a byte then repeats.
    return run(
        chosen(families, COUNTERS).stream().map(family -> family + "_counters").toList(),
        "check=none,counters=on,threads=1",
        times ? KernelTestDetail.TIMES : KernelTestDetail.CASES);
  }

  private static List<String> chosen(List<String> families, List<String> all) {
    for (String family : families) {
      if (!all.contains(family)) {
        throw Arguments.wrong("--family", family, "one of " + String.join(", ", all));
      }
    }
    return families.isEmpty() ? all : families.stream().distinct().toList();
  }

  private int run(List<String> families, String settings, KernelTestDetail detail)
      throws IOException {
    options.refuseWithoutFile(detail == KernelTestDetail.TIMES);
    String all = settings + "," + options.settings();
    Path checkout = KernelToolbox.checkout();
    Map<String, KernelTestRun> runs = new LinkedHashMap<>();
    for (String family : families) {
      KernelTestRun run =
          KernelToolbox.call(environment, tools -> tools.test(checkout, family, all, detail));
      runs.put(family, run);
      if (!options.json) {
        environment
            .out()
            .println(
                family + ":" + (detail == KernelTestDetail.SUMMARY ? " " : "\n") + run.output());
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
