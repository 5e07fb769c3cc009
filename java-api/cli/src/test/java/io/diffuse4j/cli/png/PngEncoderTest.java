package io.diffuse4j.cli.png;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.Inflater;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.stream.ImageInputStream;
import org.junit.jupiter.api.Test;
import org.w3c.dom.NodeList;

class PngEncoderTest {
  private final Random random = new Random(5);

  @Test
  void anotherReaderSeesThePixelsOfEverySizeAndColour() throws Exception {
    for (int channels : new int[] {1, 3}) {
      for (int[] size : new int[][] {{1, 1}, {1, 7}, {7, 1}, {32, 32}, {33, 129}, {300, 200}}) {
        for (String content : List.of("noise", "flat", "gradient", "sparse")) {
          Raster image = raster(size[0], size[1], channels, content);
          BufferedImage read = ImageIO.read(in(PngEncoder.encode(image, List.of())));
          assertPixels(image, read);
        }
      }
    }
  }

  @Test
  void textsAreRead() throws Exception {
    List<PngText> texts =
        List.of(
            new PngText("Seed", "7"),
            new PngText("Model", "na\u00efve"),
            new PngText("Prompt", "\u732b \ud83d\ude00"));
    byte[] png = PngEncoder.encode(raster(4, 4, 3, "noise"), texts);
    ImageReader reader = ImageIO.getImageReadersByFormatName("png").next();
    try (ImageInputStream in = ImageIO.createImageInputStream(in(png))) {
      reader.setInput(in);
      IIOImage all = reader.readAll(0, null);
      assertEquals(
          Map.of("Seed", "7", "Model", "na\u00efve", "Prompt", "\u732b \ud83d\ude00"),
          texts(all.getMetadata()));
    }
  }

  @Test
  void bytesAreTheSameAlways() {
    byte[] pixels = new byte[48];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (i * i / 3);
    }
    byte[] png =
        PngEncoder.encode(new Raster(4, 4, 3, pixels), List.of(new PngText("Software", "x")));
    // Written down once: a change of these bytes is a change of every image's.
    assertEquals(EXPECTED, HexFormat.of().formatHex(png));
  }

  @Test
  void zlibRoundTripsHostileInputs() throws Exception {
    for (int i = 0; i < 400; i++) {
      byte[] data = new byte[random.nextInt(1 + (i < 380 ? 600 : 300_000))];
      int alphabet = 1 + random.nextInt(256);
      double repeat = random.nextDouble();
      for (int j = 0; j < data.length; j++) {
        boolean same = j > 0 && random.nextDouble() < repeat;
        data[j] = same ? data[j - 1] : (byte) random.nextInt(alphabet);
      }
      assertArrayEquals(data, inflate(RunLengthDeflate.zlib(data), data.length));
    }
  }

  @Test
  void codeWordsStayWithinTheLimitForSkewedFrequencies() {
    int[] frequencies = new int[30];
    frequencies[0] = 1;
    frequencies[1] = 1;
    for (int i = 2; i < 30; i++) {
      // Fibonacci numbers make the deepest tree: 29 levels.
      frequencies[i] = frequencies[i - 1] + frequencies[i - 2];
    }
    for (int limit : new int[] {7, 15}) {
      HuffmanCode code = new HuffmanCode(frequencies, limit);
      double kraft = 0;
      for (int i = 0; i < 30; i++) {
        assertTrue(code.length(i) >= 1 && code.length(i) <= limit);
        kraft += Math.pow(2, -code.length(i));
      }
      assertEquals(1.0, kraft, "a complete code");
    }
  }

  @Test
  void flatImagesAreSmall() {
    int bytes = PngEncoder.encode(raster(512, 512, 3, "flat"), List.of()).length;
    assertTrue(bytes < 2000, bytes + " bytes");
  }

  @Test
  void otherChannelCountsAndKeywordsAreRefused() {
    assertThrows(
        IllegalArgumentException.class,
        () -> PngEncoder.encode(new Raster(1, 1, 4, new byte[4]), List.of()));
    assertThrows(
        IllegalArgumentException.class,
        () -> PngEncoder.encode(new Raster(0, 1, 1, new byte[0]), List.of()));
    assertThrows(IllegalArgumentException.class, () -> new PngText("", "x"));
    assertThrows(IllegalArgumentException.class, () -> new PngText(" a", "x"));
  }

  private static ByteArrayInputStream in(byte[] bytes) {
    return new ByteArrayInputStream(bytes);
  }

  private Raster raster(int height, int width, int channels, String content) {
    byte[] pixels = new byte[height * width * channels];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] =
          switch (content) {
            case "noise" -> (byte) random.nextInt(256);
            case "gradient" -> (byte) (i / channels % width + i % channels * 50);
            case "sparse" -> (byte) (random.nextInt(20) == 0 ? random.nextInt(256) : 0);
            default -> (byte) 200;
          };
    }
    return new Raster(height, width, channels, pixels);
  }

  private static void assertPixels(Raster image, BufferedImage read) {
    assertEquals(image.width(), read.getWidth());
    assertEquals(image.height(), read.getHeight());
    byte[] pixels = new byte[image.samples().length];
    int[] samples = new int[image.channels()];
    for (int i = 0; i < pixels.length; i += samples.length) {
      int p = i / samples.length;
      read.getRaster().getPixel(p % image.width(), p / image.width(), samples);
      for (int c = 0; c < samples.length; c++) {
        pixels[i + c] = (byte) samples[c];
      }
    }
    assertArrayEquals(image.samples(), pixels);
  }

  private static Map<String, String> texts(IIOMetadata metadata) {
    Map<String, String> found = new LinkedHashMap<>();
    var root = (org.w3c.dom.Element) metadata.getAsTree("javax_imageio_1.0");
    NodeList entries = root.getElementsByTagName("TextEntry");
    for (int i = 0; i < entries.getLength(); i++) {
      var entry = (org.w3c.dom.Element) entries.item(i);
      found.put(entry.getAttribute("keyword"), entry.getAttribute("value"));
    }
    return found;
  }

  private static byte[] inflate(byte[] zlib, int size) throws Exception {
    Inflater inflater = new Inflater();
    inflater.setInput(zlib);
    byte[] data = new byte[size];
    int count = 0;
    while (!inflater.finished()) {
      int got = inflater.inflate(data, count, size - count);
      assertTrue(got > 0 || inflater.finished(), "the stream ends early");
      count += got;
    }
    assertEquals(size, count);
    assertEquals(0, inflater.getRemaining());
    inflater.end();
    return data;
  }

  private static final String EXPECTED =
      "89504e470d0a1a0a0000000d4948445200000004000000040802000000269309290000000a744558"
          + "74536f66747761726500784a8dbfce0000004e494441547801ede0310a80201000009c65944454b8"
          + "04111511152d4244868ba3cf7374f4892e829bfe0401a0bc2849ddb43dc58ccb719ad76d3fae1b6b"
          + "639ff7fb858f84662e40d50dcbc9b85409cd160a8e4e3c2ba60000000049454e44ae426082";
}
