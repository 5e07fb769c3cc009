package io.diffuse4j.models;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.diffuse4j.weights.BundledModels;
import io.diffuse4j.weights.ModelBundle;
import io.diffuse4j.weights.ModuleFolder;
import io.diffuse4j.weights.PipelineFolder;
import io.diffuse4j.weights.TensorSource;
import io.diffuse4j.weights.UNet2DConfig;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalInt;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainedModelsTest {
  @TempDir Path cache;

  private BundledModels models() {
    return new BundledModels(cache, ServiceLoader.load(ModelBundle.class));
  }

  /** A failure prints what models.index has to be. */
  @Test
  void theIndexListsEveryFileWithItsSizeAndChecksum() throws Exception {
    Path resources = Path.of("src/main/resources/io/diffuse4j/models");
    StringBuilder expected = new StringBuilder();
    List<Path> files;
    try (Stream<Path> walk = Files.walk(resources)) {
      files =
          walk.filter(Files::isRegularFile)
              .filter(file -> !file.endsWith(ModelBundle.INDEX))
              .sorted()
              .toList();
    }
    for (Path file : files) {
      byte[] content = Files.readAllBytes(file);
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(content);
      expected
          .append(HexFormat.of().formatHex(digest))
          .append(' ')
          .append(content.length)
          .append(' ')
          .append(resources.relativize(file).toString().replace('\\', '/'))
          .append('\n');
    }
    try (InputStream index = new TrainedModels().open(ModelBundle.INDEX)) {
      assertEquals(expected.toString(), new String(index.readAllBytes(), StandardCharsets.UTF_8));
    }
  }

  @Test
  void digits32IsFoundByNameAndComplete() {
    assertEquals(Set.of("digits-32"), models().names());
    Path folder = models().find("digits-32").orElseThrow();
    assertTrue(folder.startsWith(cache));
    PipelineFolder pipeline = PipelineFolder.open(folder);
    assertEquals("DDPMPipeline", pipeline.className());
    assertEquals(Set.of("scheduler", "unet"), pipeline.components().keySet());
    assertEquals(OptionalInt.empty(), pipeline.nullLabel());
    assertEquals(
        Double.NEGATIVE_INFINITY, pipeline.schedulerConfig().number("lambda_min_clipped", 0));
    ModuleFolder unet = pipeline.module("unet");
    assertEquals("UNet2DModel", unet.kind().className());
    UNet2DConfig config = UNet2DConfig.from(unet.config(), warning -> fail(warning));
    assertEquals(OptionalInt.of(11), config.classEmbeds());
    try (TensorSource weights = unet.openWeights()) {
      assertArrayEquals(new long[] {32, 1, 3, 3}, weights.get("conv_in.weight").shape());
      long parameters =
          weights.names().stream().mapToLong(name -> weights.get(name).elementCount()).sum();
      assertEquals(3_794_657, parameters);
    }
  }

  @Test
  void aFolderWinsOverABundledName() {
    assertEquals(cache, models().resolve(cache.toString()));
    assertEquals(models().find("digits-32").orElseThrow(), models().resolve("digits-32"));
  }
}
