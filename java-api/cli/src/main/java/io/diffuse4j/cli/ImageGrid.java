package io.diffuse4j.cli;

import io.diffuse4j.cli.png.Raster;
import io.diffuse4j.core.pipeline.Image;
import java.util.List;

/** Several images as one. */
final class ImageGrid {
  /** Images in a row. */
  static final int COLUMNS = 10;

  private ImageGrid() {}

  /**
   * Images side by side, row by row, ten to a row; without a gap, so that the image at column c and
   * row r begins at pixel (c * width, r * height). What the last row leaves over is black.
   *
   * @param images at least one, all of one size and number of channels
   */
  static Raster of(List<Image> images) {
    Image first = images.get(0);
    int columns = Math.min(COLUMNS, images.size());
    int rows = (images.size() + COLUMNS - 1) / COLUMNS;
    int height = Math.multiplyExact(rows, first.height());
    int width = Math.multiplyExact(columns, first.width());
    int line = first.width() * first.channels();
    int gridLine = Math.multiplyExact(width, first.channels());
    byte[] pixels = new byte[Math.multiplyExact(height, gridLine)];
    for (int i = 0; i < images.size(); i++) {
      int corner = i / COLUMNS * first.height() * gridLine + i % COLUMNS * line;
      byte[] image = images.get(i).pixels();
      for (int y = 0; y < first.height(); y++) {
        System.arraycopy(image, y * line, pixels, corner + y * gridLine, line);
      }
    }
    return new Raster(height, width, first.channels(), pixels);
  }
}
