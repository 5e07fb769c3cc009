package io.diffuse4j.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.diffuse4j.cli.spi.KernelJob;
import io.diffuse4j.cli.spi.KernelRun;
import io.diffuse4j.weights.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Path;

/** What {@code kernels check} and {@code kernels profile} do alike with a kernel of the user's. */
final class KernelRunner {
  private final Environment environment;
  private final KernelLaunchOptions options;

  KernelRunner(Environment environment, KernelLaunchOptions options) {
    this.environment = environment;
    this.options = options;
  }

  /** Runs the kernel, and writes its outputs if nothing is wrong. */
  KernelRun run(String settings) throws IOException {
    KernelJob job = options.job(environment, settings);
    KernelRun run = KernelToolbox.call(environment, tools -> tools.run(job));
    if (options.outputs != null && run.diagnostics().isEmpty() && run.failure().isEmpty()) {
      Path target = environment.resolve(options.outputs);
      SafetensorsWriter.write(environment.outputs().stage(target), run.outputs());
      environment.outputs().commit();
    }
    return run;
  }

  /** What was launched, and what it left. */
  void writeLaunch(JsonGenerator json, KernelRun run) throws IOException {
    json.writeStringField("file", options.file.toString());
    json.writeStringField("kernel", options.kernel);
    json.writeStringField("schedule", options.schedule);
    json.writeStringField("profile", options.profile);
    KernelRunJson.writeOutputs(json, run.outputs());
  }

  /** A number of things in words. */
  static String counted(long count, String thing) {
    return count + " " + thing + (count == 1 ? "" : "s");
  }
}
