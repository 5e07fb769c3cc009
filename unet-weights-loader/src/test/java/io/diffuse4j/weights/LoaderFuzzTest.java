package io.diffuse4j.weights;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Mutated files: whatever they hold, loading them either works or ends in an {@link
 * InvalidModelException} of one line, and allocates no more than the file's size and a constant.
 * The same mutations happen on every run. A mutant whose outcome has not been seen before joins the
 * files that are mutated further, so the search goes deeper than one change.
 */
class LoaderFuzzTest {
  /**
   * Parser, decoder and exception cost some 60 KB whatever the file holds; a class that is first
   * needed for a rare message comes on top.
   */
  private static final long ALLOCATION_CONSTANT = 256 << 10;

  /** What {@link SafetensorsHeader#MAX_TENSORS} tensors and their names take. */
  private static final long FULL_HEADER_CONSTANT = 16 << 20;

  private static final Pattern NAMES_AND_NUMBERS =
      Pattern.compile("\"[^\"]*\"|'[^']*'|FOLDER\\S*|-?[0-9][0-9.E-]*");

  /** Runs whose allocation is not counted: classes are loaded and linked in them. */
  private static final int WARM_UP = 2000;

  private static final int MAX_CORPUS = 300;

  /** Pieces that matter in these files; a mutation inserts one or puts it in a number's place. */
  private static final String[] WORDS = {
    "0",
    "-1",
    "1",
    "7",
    "8",
    "4096",
    "2147483647",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "18446744073709551616",
    "1e9",
    "0.5",
    "NaN",
    "-Infinity",
    "null",
    "true",
    "\"F32\"",
    "\"F4\"",
    "\"BOOL\"",
    "\"C64\"",
    "\"\"",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "\"",
    "\\",
    "\"dtype\":",
    "\"shape\":",
    "\"data_offsets\":[0,8]",
    "\"__metadata__\":",
    "\\u0000",
    "\\ud800",
    "../",
    ".safetensors",
    "\"a\":",
    "[[[[[[[[[[[[[[[[[[[[",
    "\"layers_per_block\":",
    "\"attention_head_dim\":[1,2]",
    "\"norm_num_groups\":7,",
    "\"time_embedding_type\":\"fourier\""
  };

  @TempDir Path folder;

  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** What is done with a mutant on disk. */
  private interface Loader {
    void load(Path file);
  }

  @Test
  void mutatedSafetensorsFilesLoadOrAreRefused() throws IOException {
    List<byte[]> seeds = new ArrayList<>();
    List<HostTensor> all = new ArrayList<>();
    for (TensorDType dtype : TensorDType.values()) {
      all.add(HostTensor.ofBytes("t." + dtype, dtype, new byte[dtype.bits() * 2], 4, 4));
    }
    seeds.add(written(all));
    seeds.add(written(all.subList(17, 20)));
    seeds.add(
        TestFiles.safetensors(
            "{\"__metadata__\":{\"a\":\"b\"},"
                + "\"x\":{\"dtype\":\"F16\",\"shape\":[2,2],\"data_offsets\":[0,8]},"
                + "\"y\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[8,9]}}",
            9));
    fuzz(
        seeds,
        25_000,
        20,
        "x.safetensors",
        file -> {
          try (SafetensorsFile source = SafetensorsFile.open(file)) {
            assertTrue(source.names().size() <= SafetensorsHeader.MAX_TENSORS);
          }
        });
  }

  @Test
  void mutatedIndexesLoadOrAreRefused() throws IOException {
    SafetensorsWriter.write(
        folder.resolve("a.safetensors"), List.of(HostTensor.of("a", new float[1], 1)));
    SafetensorsWriter.write(
        folder.resolve("b.safetensors"), List.of(HostTensor.of("b", new float[1], 1)));
    String index =
        "{\"metadata\": {\"total_size\": 8},"
            + " \"weight_map\": {\"a\": \"a.safetensors\", \"b\": \"b.safetensors\"}}";
    fuzz(
        List.of(index.getBytes(StandardCharsets.UTF_8)),
        8_000,
        7,
        "x.index.json",
        file -> ShardedSafetensors.open(file).close());
  }

  @Test
  void mutatedConfigurationsLoadOrAreRefused() throws IOException {
    List<byte[]> pixel = new ArrayList<>();
    for (String name : List.of("unet2d-class", "unet2d-scale-shift", "unet2d-unconditional")) {
      pixel.add(golden(name));
    }
    fuzz(
        pixel,
        10_000,
        15,
        "config.json",
        file -> UNet2DConfig.from(ModelConfig.read(file), warning -> {}));
    List<byte[]> latent = new ArrayList<>();
    for (String name : List.of("unet-inpaint", "unet-sd1", "unet-sd2", "unet-sdxl")) {
      latent.add(golden(name));
    }
    fuzz(
        latent,
        10_000,
        15,
        "config.json",
        file -> UNet2DConditionConfig.from(ModelConfig.read(file), warning -> {}));
  }

  @Test
  void mutatedPipelinesLoadOrAreRefused() throws IOException {
    Files.createDirectory(folder.resolve("unet"));
    Files.createDirectory(folder.resolve("scheduler"));
    String index =
        "{\"_class_name\": \"DDPMPipeline\", \"null_label\": 10,"
            + " \"scheduler\": [\"diffusers\", \"DDIMScheduler\"],"
            + " \"unet\": [\"diffusers\", \"UNet2DModel\"], \"vae\": [null, null]}";
    fuzz(
        List.of(index.getBytes(StandardCharsets.UTF_8)),
        8_000,
        7,
        "model_index.json",
        file -> PipelineFolder.open(file.getParent()));
  }

  @Test
  void hostileHeadersOfManyMegabytesCostNoMoreThanTheirSizeAndAConstant() throws IOException {
    int size = 20 << 20;
    StringBuilder tensors = new StringBuilder("{");
    for (int i = 0; i < 2 * SafetensorsHeader.MAX_TENSORS; i++) {
      tensors
          .append("\"" + i)
          .append("\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},");
    }
    Map<String, Long> constants = new LinkedHashMap<>();
    constants.put("{" + " ".repeat(size), ALLOCATION_CONSTANT);
    constants.put("{\"" + "x".repeat(size), ALLOCATION_CONSTANT);
    constants.put("{\"__metadata__\":{\"x\":\"" + "x".repeat(size), ALLOCATION_CONSTANT);
    constants.put("{\"x\":{\"dtype\":\"" + "x".repeat(size), ALLOCATION_CONSTANT);
    constants.put("{\"x\":{\"shape\":[" + "1,".repeat(size / 2), ALLOCATION_CONSTANT);
    constants.put("{\"x\":{\"shape\":[" + "1".repeat(size), ALLOCATION_CONSTANT);
    constants.put("{\"x\":" + "{\"x\":".repeat(size / 5), ALLOCATION_CONSTANT);
    constants.put(tensors.toString(), FULL_HEADER_CONSTANT);
    Path file = folder.resolve("x.safetensors");
    for (Map.Entry<String, Long> header : constants.entrySet()) {
      Files.write(file, TestFiles.safetensors(header.getKey(), 0));
      long before = threads.getCurrentThreadAllocatedBytes();
      assertThrows(InvalidModelException.class, () -> SafetensorsFile.open(file));
      long allocated = threads.getCurrentThreadAllocatedBytes() - before;
      assertTrue(
          allocated <= Files.size(file) + header.getValue(),
          () -> header.getKey().substring(0, 20) + "... allocated " + allocated);
    }
  }

  private void fuzz(List<byte[]> seeds, int runs, int leastOutcomes, String name, Loader loader)
      throws IOException {
    Random random = new Random(20_260_101);
    List<byte[]> corpus = new ArrayList<>(seeds);
    Map<String, Integer> outcomes = new HashMap<>();
    Path file = folder.resolve(name);
    for (int run = -WARM_UP; run < runs; run++) {
      // Half of all mutants are close to a valid file, half go on from what was found.
      List<byte[]> from = random.nextBoolean() ? seeds : corpus;
      byte[] mutant = mutate(random, from, corpus);
      Files.write(file, mutant);
      long before = threads.getCurrentThreadAllocatedBytes();
      String outcome = outcome(loader, file);
      long allocated = threads.getCurrentThreadAllocatedBytes() - before;
      if (run >= 0 && allocated > mutant.length + ALLOCATION_CONSTANT) {
        fail("run " + run + " allocated " + allocated + " bytes for " + mutant.length);
      }
      if (outcomes.merge(outcome, 1, Integer::sum) == 1
          && !outcome.contains("not valid JSON")
          && corpus.size() < MAX_CORPUS) {
        corpus.add(mutant);
      }
    }
    // A search that only ever breaks the JSON, or never does, has not tested the checks.
    assertTrue(outcomes.getOrDefault("loaded", 0) > runs / 100, outcomes.toString());
    assertTrue(corpus.size() - seeds.size() >= leastOutcomes, outcomes.toString());
  }

  /** The kind of result: a message without the names and numbers in it. */
  private String outcome(Loader loader, Path file) {
    try {
      loader.load(file);
      return "loaded";
    } catch (InvalidModelException e) {
      String message = e.getMessage();
      if (message.lines().count() != 1 || message.chars().anyMatch(Character::isISOControl)) {
        fail("not one plain line: " + message);
      }
      String relative = message.replace(folder.toString(), "FOLDER");
      return NAMES_AND_NUMBERS.matcher(relative).replaceAll("#");
    }
  }

  private static byte[] mutate(Random random, List<byte[]> from, List<byte[]> corpus) {
    byte[] mutant = from.get(random.nextInt(from.size())).clone();
    int changes = 1 + random.nextInt(3);
    for (int i = 0; i < changes; i++) {
      mutant = mutateOnce(random, corpus, mutant);
    }
    return mutant;
  }

  private static byte[] mutateOnce(Random random, List<byte[]> corpus, byte[] in) {
    if (in.length == 0) {
      return new byte[] {(byte) random.nextInt(256)};
    }
    int at = random.nextInt(in.length);
    switch (random.nextInt(8)) {
      case 0 -> in[at] ^= (byte) (1 << random.nextInt(8));
      case 1 -> in[at] = (byte) random.nextInt(256);
      case 2 -> {
        return replace(in, at, in.length, new byte[0]); // truncated
      }
      case 3 -> {
        int end = Math.min(in.length, at + 1 + random.nextInt(16));
        return replace(in, at, end, new byte[0]); // a piece lost
      }
      case 4 -> {
        byte[] other = corpus.get(random.nextInt(corpus.size()));
        int from = random.nextInt(other.length + 1);
        int to = Math.min(other.length, from + random.nextInt(64));
        return replace(in, at, at, Arrays.copyOfRange(other, from, to)); // spliced
      }
      case 5 -> {
        return replace(in, at, at, word(random));
      }
      case 6 -> {
        int end = at;
        while (end < in.length && Character.isDigit(in[end])) {
          end++;
        }
        return replace(in, at, end, word(random)); // a number, or its tail, exchanged
      }
      default -> in[Math.min(in.length - 1, random.nextInt(8))] += (byte) (random.nextInt(9) - 4);
    }
    return in;
  }

  private static byte[] word(Random random) {
    return WORDS[random.nextInt(WORDS.length)].getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] replace(byte[] in, int from, int to, byte[] by) {
    byte[] out = new byte[in.length - (to - from) + by.length];
    System.arraycopy(in, 0, out, 0, from);
    System.arraycopy(by, 0, out, from, by.length);
    System.arraycopy(in, to, out, from + by.length, in.length - to);
    return out;
  }

  private byte[] written(List<HostTensor> tensors) throws IOException {
    Path file = folder.resolve("seed");
    SafetensorsWriter.write(file, tensors);
    return Files.readAllBytes(file);
  }

  private static byte[] golden(String name) throws IOException {
    String resource = "golden/" + name + "/config.json";
    try (InputStream in = LoaderFuzzTest.class.getResourceAsStream(resource)) {
      return in.readAllBytes();
    }
  }
}
