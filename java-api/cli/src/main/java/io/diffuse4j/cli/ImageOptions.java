package io.diffuse4j.cli;

import io.diffuse4j.core.noise.GivenNoise;
import io.diffuse4j.core.pipeline.Model;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import picocli.CommandLine.Option;

/** Which images, how many, and how large. */
final class ImageOptions {
  private static final int MAX_COUNT = 1000;
  private static final int MAX_IMAGES = 10_000;
  private static final int MAX_SIZE = 8192;

  @Option(
      names = "--label",
      paramLabel = "L[,L...]",
      description =
          "The classes to show, from 0, for models with classes; the null label (10 for digits-32)"
              + " stands for no class.")
  private String label;

  @Option(
      names = "--count",
      paramLabel = "N",
      description =
          "Images for each label, or in all for models without classes; 1 (the default) to 1000.")
  private String count;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "The seed of the first image, 0 (the default) or more.")
  private String seed = "0";

  @Option(
      names = "--height",
      paramLabel = "H",
      description = "Height in pixels, up to 8192; the model's own by default.")
  private String height;

  @Option(
      names = "--width",
      paramLabel = "W",
      description = "Width in pixels, up to 8192; the model's own by default.")
  private String width;

  /**
   * What the options come to for a model.
   *
   * @param labels of the images, in order; empty for a model without classes
   * @param count of the images
   * @param height in pixels
   * @param width in pixels
   */
  record Selection(List<Integer> labels, int count, int height, int width) {}

  /** The seed of the first image; later ones do not overflow. */
  long firstSeed() {
    return Arguments.integer("--seed", seed, 0, Long.MAX_VALUE - MAX_IMAGES);
  }

  /**
   * Settles which images a model is to make.
   *
   * @param name what the user calls the model
   * @param given the noise that fixes number and size; null for none
   */
  Selection select(Model model, String name, GivenNoise given) {
    List<Integer> labels = labels(model, name, given);
    int images = labels.size();
    if (labels.isEmpty()) {
      images = given == null || count != null ? perLabel() : given.images();
    }
    if (images > MAX_IMAGES) {
      throw new UsageException(images + " images are too many; " + MAX_IMAGES + " is the limit");
    }
    if (given == null) {
      return new Selection(
          labels,
          images,
          size("--height", height, model.size().height()),
          size("--width", width, model.size().width()));
    }
    if (images != given.images()) {
      throw new UsageException(
          String.format(
              "--label and --count ask for %d images, but --initial-noise has noise for %d",
              images, given.images()));
    }
    return new Selection(
        labels,
        images,
        fixed("--height", height, given.height()),
        fixed("--width", width, given.width()));
  }

  private List<Integer> labels(Model model, String name, GivenNoise given) {
    if (model.classes() == 0) {
      checkClasses("--label", label, model, name);
      return List.of();
    }
    if (label == null) {
      throw new UsageException(
          String.format(
              "--label is missing: %s has the classes 0 to %d, where %d stands for no class",
              name, model.classes() - 1, model.nullLabel().getAsInt()));
    }
    List<Integer> asked = Arguments.integers("--label", label, 0, model.classes() - 1);
    boolean broadcast = given != null && asked.size() == 1 && count == null;
    int each = broadcast ? given.images() : perLabel();
    if ((long) asked.size() * each > MAX_IMAGES) {
      throw new UsageException(
          String.format(
              "%d labels of %d images each are too many; %d images is the limit",
              asked.size(), each, MAX_IMAGES));
    }
    List<Integer> labels = new ArrayList<>();
    for (Integer one : asked) {
      labels.addAll(Collections.nCopies(each, one));
    }
    return labels;
  }

  /** Refuses an option that only a model with classes can use. */
  static void checkClasses(String option, String value, Model model, String name) {
    if (value != null && model.classes() == 0) {
      throw new UsageException(
          option + " is for models with classes, and " + name + " has none; leave it out");
    }
  }

  private int perLabel() {
    return count == null ? 1 : Arguments.smallInteger("--count", count, 1, MAX_COUNT);
  }

  private static int size(String option, String text, int trained) {
    return text == null ? trained : Arguments.smallInteger(option, text, 1, MAX_SIZE);
  }

  private static int fixed(String option, String text, int given) {
    if (size(option, text, given) != given) {
      throw new UsageException(
          option + " is " + text + ", but --initial-noise has noise for " + given);
    }
    return given;
  }

  /** The options again that are the same for each of the images, to be put into them. */
  List<String> arguments() {
    return Arguments.given("--height", height, "--width", width);
  }
}
