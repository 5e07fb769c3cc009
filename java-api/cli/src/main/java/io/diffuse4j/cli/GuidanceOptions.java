package io.diffuse4j.cli;

import io.diffuse4j.core.guidance.Guidance;
import io.diffuse4j.core.pipeline.Model;
import java.util.List;
import picocli.CommandLine.Option;

/** How strongly the condition is followed. */
final class GuidanceOptions {
  private static final double MAX_SCALE = 1000;

  @Option(
      names = "--guidance-scale",
      paramLabel = "G",
      description =
          "Classifier-free guidance, u + G (c - u), -1000 to 1000. 1, the default for models with"
              + " classes, is the plain condition; any other doubles the work of a step.")
  private String scale;

  @Option(
      names = "--guidance-rescale",
      paramLabel = "R",
      description =
          "How far to pull the guided prediction's standard deviation back to the conditional"
              + " one's, 0 (the default) to 1.")
  private String rescale;

  Guidance guidance() {
    double checkedScale =
        scale == null ? 1 : Arguments.number("--guidance-scale", scale, -MAX_SCALE, MAX_SCALE);
    double checkedRescale =
        rescale == null ? 0 : Arguments.number("--guidance-rescale", rescale, 0, 1);
    return new Guidance((float) checkedScale, (float) checkedRescale);
  }

  /** Refuses what a model cannot use. */
  void check(Model model, String name) {
    ImageOptions.checkClasses("--guidance-scale", scale, model, name);
    ImageOptions.checkClasses("--guidance-rescale", rescale, model, name);
  }

  /** The options again, to be put into an image. */
  List<String> arguments() {
    return Arguments.given("--guidance-scale", scale, "--guidance-rescale", rescale);
  }
}
