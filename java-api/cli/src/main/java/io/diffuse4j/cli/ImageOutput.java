package io.diffuse4j.cli;

import io.diffuse4j.cli.png.PngEncoder;
import io.diffuse4j.core.pipeline.Image;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * Where {@code --out} puts images: one PNG file, with a grid if there are several, or a folder of
 * numbered ones.
 *
 * @param target the file or folder
 * @param folder which of the two
 */
record ImageOutput(Path target, boolean folder) {
  private static final List<String> OTHER_FORMATS =
      List.of(".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".safetensors");

  /** The most pixels of a grid: a filtered row more and it would not fit an array. */
  private static final long MAX_BYTES = 1L << 30;

  /** What {@code --out} means; refuses early what cannot be written. */
  static ImageOutput of(Path target) {
    String name = String.valueOf(target.getFileName()).toLowerCase(Locale.ROOT);
    if (OTHER_FORMATS.stream().anyMatch(name::endsWith)) {
      throw Arguments.wrong(
          "--out", target.toString(), "a file that ends in .png, or a folder for several");
    }
    boolean folder = Files.isDirectory(target) || !name.endsWith(".png");
    if (folder) {
      StagedOutputs.checkFolder("--out", target);
    } else {
      StagedOutputs.checkFile("--out", target);
    }
    return new ImageOutput(target, folder);
  }

  /** Refuses early a grid that is too large. */
  void check(int images, int height, int width) {
    long cells = images <= ImageGrid.COLUMNS ? images : images + ImageGrid.COLUMNS - 1L;
    if (!folder && cells * height * width * 3 > MAX_BYTES) {
      throw new UsageException(
          images
              + " images of "
              + width
              + "x"
              + height
              + " make too large a PNG; let --out name a"
              + " folder");
    }
  }

  /** Stages the images with their texts. */
  void stage(StagedOutputs outputs, List<Image> images, Recipe recipe) throws IOException {
    if (!folder) {
      Files.write(outputs.stage(target), PngEncoder.encode(ImageGrid.of(images), recipe.ofAll()));
      return;
    }
    // A new folder appears in one move with all that is in it.
    Path created = Files.isDirectory(target) ? null : Files.createDirectory(outputs.stage(target));
    for (int i = 0; i < images.size(); i++) {
      String name = String.format(Locale.ROOT, "%03d.png", i);
      Path file = created == null ? outputs.stage(target.resolve(name)) : created.resolve(name);
      Files.write(file, PngEncoder.encode(ImageGrid.of(images.subList(i, i + 1)), recipe.of(i)));
    }
  }
}
