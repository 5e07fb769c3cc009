package io.diffuse4j.cli;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** A PNG file as the JDK's own reader sees it. */
final class PngFile {
  private PngFile() {}

  /** The texts by keyword. */
  static Map<String, String> texts(Path file) throws IOException {
    ImageReader reader = ImageIO.getImageReadersByFormatName("png").next();
    Map<String, String> texts = new LinkedHashMap<>();
    try (ImageInputStream in = ImageIO.createImageInputStream(Files.newInputStream(file))) {
      reader.setInput(in);
      Element root = (Element) reader.getImageMetadata(0).getAsTree("javax_imageio_1.0");
      NodeList entries = root.getElementsByTagName("TextEntry");
      for (int i = 0; i < entries.getLength(); i++) {
        Element entry = (Element) entries.item(i);
        texts.put(entry.getAttribute("keyword"), entry.getAttribute("value"));
      }
    } finally {
      reader.dispose();
    }
    return texts;
  }

  /** The grey values of a part, row by row. */
  static int[] grey(Path file, int x, int y, int width, int height) throws IOException {
    BufferedImage image = ImageIO.read(file.toFile());
    return image.getRaster().getSamples(x, y, width, height, 0, (int[]) null);
  }

  /** Height and width. */
  static int[] size(Path file) throws IOException {
    BufferedImage image = ImageIO.read(file.toFile());
    return new int[] {image.getHeight(), image.getWidth()};
  }
}
