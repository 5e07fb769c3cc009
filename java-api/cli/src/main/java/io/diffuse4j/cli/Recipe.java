package io.diffuse4j.cli;

import io.diffuse4j.cli.png.PngText;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * How images were made, for the text chunks of their files: enough to make them again.
 *
 * @param model its name
 * @param labels of the images, in order; empty for a model without labels
 * @param images how many
 * @param seed of the first image; image i has {@code seed + i}
 * @param initialNoise the name of the file that the noise was read from; null if it was generated
 * @param facts what else there is to know, by keyword
 * @param arguments the options of {@code generate} that are the same for each of the images
 */
record Recipe(
    String model,
    List<Integer> labels,
    int images,
    long seed,
    String initialNoise,
    Map<String, String> facts,
    List<String> arguments) {

  /** The texts of a file that shows all images. */
  List<PngText> ofAll() {
    return texts(labels, seed, images, "");
  }

  /** The texts of a file that shows image {@code i} alone. */
  List<PngText> of(int i) {
    return texts(
        labels.isEmpty() ? labels : List.of(labels.get(i)),
        seed + i,
        1,
        images == 1 ? "" : ", image " + i);
  }

  private List<PngText> texts(List<Integer> shown, long firstSeed, int count, String which) {
    String label = shown.stream().map(String::valueOf).collect(Collectors.joining(","));
    List<PngText> texts = new ArrayList<>();
    texts.add(new PngText("Software", "Diffuse4J " + BuildVersion.text()));
    texts.add(new PngText("Model", model));
    if (!label.isEmpty()) {
      texts.add(new PngText("Label", label));
    }
    texts.add(
        initialNoise == null
            ? new PngText("Seed", String.valueOf(firstSeed))
            : new PngText("Initial noise", initialNoise + which));
    facts.forEach((keyword, text) -> texts.add(new PngText(keyword, text)));
    // Of several images that were read from one file of noise, one alone has no command.
    if (initialNoise == null || which.isEmpty()) {
      texts.add(new PngText("Command", command(label, firstSeed, count)));
    }
    return texts;
  }

  private String command(String label, long firstSeed, int count) {
    List<String> words = new ArrayList<>(List.of("diffuse4j", "generate", "--model", model));
    if (!label.isEmpty()) {
      words.addAll(List.of("--label", label));
    } else if (count > 1 && initialNoise == null) {
      words.addAll(List.of("--count", String.valueOf(count)));
    }
    words.addAll(
        initialNoise == null
            ? List.of("--seed", String.valueOf(firstSeed))
            : List.of("--initial-noise", initialNoise));
    words.addAll(arguments);
    words.addAll(List.of("--out", "image.png"));
    return words.stream().map(Recipe::quoted).collect(Collectors.joining(" "));
  }

  /** As a POSIX shell reads it back. */
  private static String quoted(String word) {
    return word.matches("[A-Za-z0-9_@%+=:,./-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
  }
}
