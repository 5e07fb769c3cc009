package io.diffuse4j.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UNetConfigTest {
  static ModelConfig golden(String name) {
    String resource = "golden/" + name + "/config.json";
    try (InputStream in = UNetConfigTest.class.getResourceAsStream(resource)) {
      return ModelConfig.parse(resource, new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static void noWarning(String warning) {
    fail("unexpected warning: " + warning);
  }

  private static UNet2DConfig unet2d(String json) {
    return UNet2DConfig.from(ModelConfig.parse("config.json", json), UNetConfigTest::noWarning);
  }

  private static UNet2DConditionConfig condition(String json) {
    return UNet2DConditionConfig.from(
        ModelConfig.parse("config.json", json), UNetConfigTest::noWarning);
  }

  @ParameterizedTest
  @ValueSource(strings = {"unet2d-class", "unet2d-scale-shift", "unet2d-unconditional"})
  void publishedUNet2DConfigsAreReadWithoutWarning(String name) {
    UNet2DConfig config = UNet2DConfig.from(golden(name), UNetConfigTest::noWarning);
    assertEquals(16, config.blockOutChannels().get(0));
    assertEquals(64, config.timeEmbedDim());
    assertEquals(16, config.timeInputDim());
    assertEquals(Optional.of(new ImageSize(16, 16)), config.sampleSize());
  }

  @ParameterizedTest
  @ValueSource(strings = {"unet-inpaint", "unet-sd1", "unet-sd2", "unet-sdxl"})
  void publishedUNet2DConditionConfigsAreReadWithoutWarning(String name) {
    UNet2DConditionConfig config =
        UNet2DConditionConfig.from(golden(name), UNetConfigTest::noWarning);
    assertEquals(UNet2DConditionConfig.MidBlock.CROSS_ATTENTION, config.midBlock());
    assertEquals(8, config.normGroups());
    assertEquals(24, config.crossAttentionDim().get(0));
  }

  @Test
  void anEmptyUNet2DConfigHasDiffusersDefaults() {
    UNet2DConfig config = unet2d("{}");
    assertEquals(List.of(224, 448, 672, 896), config.blockOutChannels());
    assertEquals(
        List.of(UNetBlock.PLAIN, UNetBlock.ATTENTION, UNetBlock.ATTENTION, UNetBlock.ATTENTION),
        config.downBlocks());
    assertEquals(
        List.of(UNetBlock.ATTENTION, UNetBlock.ATTENTION, UNetBlock.ATTENTION, UNetBlock.PLAIN),
        config.upBlocks());
    assertEquals(3, config.inChannels());
    assertEquals(3, config.outChannels());
    assertEquals(2, config.layersPerBlock());
    assertEquals(OptionalInt.of(8), config.attentionHeadDim());
    assertEquals(28, config.attentionHeads(224));
    assertEquals(32, config.normGroups());
    assertEquals(OptionalInt.of(32), config.midAttentionNormGroups());
    assertEquals(1e-5, config.normEps());
    assertEquals(896, config.timeEmbedDim());
    assertEquals(TimeEmbedding.POSITIONAL, config.timeEmbedding());
    assertEquals(ClassEmbedding.NONE, config.classEmbedding());
    assertTrue(config.flipSinToCos());
    assertTrue(config.midBlock());
    assertTrue(config.midAttention());
    assertFalse(config.scaleShift());
    assertEquals(1, config.downsamplePadding());
    assertEquals(Optional.empty(), config.sampleSize());
  }

  @Test
  void anEmptyUNet2DConditionConfigHasDiffusersDefaults() {
    UNet2DConditionConfig config = condition("{}");
    assertEquals(List.of(320, 640, 1280, 1280), config.blockOutChannels());
    assertEquals(List.of(8, 8, 8, 8), config.attentionHeads());
    assertEquals(List.of(1280, 1280, 1280, 1280), config.crossAttentionDim());
    assertEquals(List.of(2, 2, 2, 2), config.layersPerBlock());
    assertEquals(List.of(1, 1), config.downTransformerLayers().get(0));
    assertEquals(List.of(1, 1, 1), config.upTransformerLayers().get(0));
    assertEquals(1280, config.timeEmbedDim());
    assertEquals(320, config.timeInputDim());
    assertEquals(4, config.inChannels());
    assertEquals(3, config.convInKernel());
    assertFalse(config.textTime());
    assertFalse(config.linearProjection());
    assertEquals(List.of(false, false, false, false), config.onlyCrossAttention());
  }

  @Test
  void transformerDepthsAreMirroredOnTheWayUp() {
    UNet2DConditionConfig config =
        UNet2DConditionConfig.from(golden("unet-sdxl"), UNetConfigTest::noWarning);
    assertEquals(List.of(List.of(1), List.of(2), List.of(3)), config.downTransformerLayers());
    assertEquals(
        List.of(List.of(3, 3), List.of(2, 2), List.of(1, 1)), config.upTransformerLayers());
    assertEquals(3, config.midTransformerLayers());
    assertEquals(List.of(2, 4, 4), config.attentionHeads());
    assertTrue(config.textTime());
    assertEquals(OptionalInt.of(8), config.additionTimeDim());
    assertEquals(OptionalInt.of(68), config.projectionInputDim());
  }

  @Test
  void transformerDepthsMayDifferInEveryLayer() {
    UNet2DConditionConfig config =
        condition(
            """
            {"block_out_channels": [32, 64],
             "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
             "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
             "layers_per_block": 2,
             "transformer_layers_per_block": [1, [4, 5]],
             "reverse_transformer_layers_per_block": [[6, 7, 8], 1]}
            """);
    assertEquals(List.of(4, 5), config.downTransformerLayers().get(1));
    assertEquals(List.of(6, 7, 8), config.upTransformerLayers().get(0));
    assertEquals(4, config.midTransformerLayers());
  }

  @Test
  void scaleShiftTakesTheNormFromTheMiddleAttention() {
    UNet2DConfig config =
        UNet2DConfig.from(golden("unet2d-scale-shift"), UNetConfigTest::noWarning);
    assertTrue(config.scaleShift());
    assertTrue(config.resnetDownsample());
    assertTrue(config.resnetUpsample());
    assertEquals(UNetBlock.RESNET_RESAMPLE, config.downBlocks().get(0));
    assertEquals(OptionalInt.empty(), config.midAttentionNormGroups());
  }

  @Test
  void nullMeansOneHeadOfAllChannelsAndNoMiddleBlockWhereDiffusersSaysSo() {
    UNet2DConfig config = unet2d("{\"attention_head_dim\": null, \"mid_block_type\": null}");
    assertEquals(OptionalInt.empty(), config.attentionHeadDim());
    assertEquals(1, config.attentionHeads(448));
    assertFalse(config.midBlock());
  }

  @Test
  void nullIsTheDefaultEverywhereElse() {
    UNet2DConfig config =
        unet2d("{\"in_channels\": null, \"act_fn\": null, \"block_out_channels\": null}");
    assertEquals(unet2d("{}"), config);
  }

  @Test
  void theFirstNamesOfBlocksAreUnderstood() {
    UNet2DConfig config =
        unet2d(
            "{\"block_out_channels\": [32], \"down_block_types\": [\"UNetResDownBlock2D\"],"
                + " \"up_block_types\": [\"UNetResUpBlock2D\"]}");
    assertEquals(List.of(UNetBlock.PLAIN), config.downBlocks());
  }

  @Test
  void sampleSizeMayBeHeightAndWidth() {
    assertEquals(
        Optional.of(new ImageSize(8, 12)), unet2d("{\"sample_size\": [8, 12]}").sampleSize());
  }

  @Test
  void fourierTimeEmbeddingsHaveTheSizesOfTheirClass() {
    UNet2DConfig pixel = unet2d("{\"time_embedding_type\": \"fourier\"}");
    assertEquals(448, pixel.timeInputDim());
    assertEquals(896, pixel.timeEmbedDim());
    UNet2DConditionConfig latent = condition("{\"time_embedding_type\": \"fourier\"}");
    assertEquals(640, latent.timeInputDim());
    assertEquals(640, latent.timeEmbedDim());
  }

  @Test
  void unknownFieldsGiveOneWarning() {
    List<String> warnings = new ArrayList<>();
    UNet2DConfig.from(
        ModelConfig.parse("config.json", "{\"_x\": 1, \"zeta\": 1, \"alpha\": [2]}"),
        warnings::add);
    assertEquals(List.of("config.json: ignored unknown fields: \"alpha\", \"zeta\""), warnings);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"in_channels\": \"3\"} | \"in_channels\": expected a whole number, found the string",
        "{\"in_channels\": 0} | \"in_channels\": expected a whole number from 1 to 65536, found 0",
        "{\"in_channels\": 3.5} | found 3.5",
        "{\"in_channels\": 99999999999999999999} | found 1.0E20",
        "{\"norm_eps\": NaN} | \"norm_eps\": expected a positive number, found NaN",
        "{\"freq_shift\": Infinity} | \"freq_shift\": expected a finite number",
        "{\"flip_sin_to_cos\": 1} | \"flip_sin_to_cos\": expected true or false, found 1",
        "{\"block_out_channels\": 32} | expected a list of whole numbers, found 32",
        "{\"block_out_channels\": []} | \"block_out_channels\": expected 1 to 16 blocks",
        "{\"block_out_channels\": [32, null]} | found null",
        "{\"block_out_channels\": [32, 64]} | \"down_block_types\" and \"block_out_channels\"",
        "{\"norm_num_groups\": 24} | \"norm_num_groups\" and \"block_out_channels\": 224 channels",
        "{\"attention_head_dim\": 5} | \"attention_head_dim\" and \"block_out_channels\"",
        "{\"attn_norm_num_groups\": 5} | \"attn_norm_num_groups\" and \"block_out_channels\"",
        "{\"time_embedding_type\": \"learned\"} | \"num_train_timesteps\"",
        "{\"time_embedding_type\": \"adm\"} | \"time_embedding_type\": \"adm\" is not",
        "{\"class_embed_type\": \"projection\"} | \"class_embed_type\": \"projection\" is not",
        "{\"class_embed_type\": \"timestep\", \"num_class_embeds\": 3} | exclude each other",
        "{\"mid_block_type\": \"UnCLIPUNetMidBlock2D\"} | \"mid_block_type\"",
        "{\"act_fn\": \"gelu\"} | \"act_fn\": \"gelu\" is not implemented",
        "{\"downsample_type\": \"fir\"} | \"downsample_type\": expected \"conv\" or \"resnet\"",
        "{\"sample_size\": [1, 2, 3]} | \"sample_size\": expected height and width",
        "{\"down_block_types\": [\"SkipDownBlock2D\", \"DownBlock2D\", \"DownBlock2D\","
            + " \"DownBlock2D\"]} | \"SkipDownBlock2D\" is not implemented",
      })
  void wrongUNet2DFieldsAreNamed(String json, String message) {
    InvalidModelException e = assertThrows(InvalidModelException.class, () -> unet2d(json));
    assertTrue(e.getMessage().startsWith("config.json: "), e.getMessage());
    assertTrue(e.getMessage().contains(message), e.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"num_attention_heads\": 8} | \"num_attention_heads\" and \"attention_head_dim\"",
        "{\"dual_cross_attention\": true} | \"dual_cross_attention\": true is not implemented",
        "{\"encoder_hid_dim\": 5} | \"encoder_hid_dim\": 5 is not implemented, only null",
        "{\"resnet_out_scale_factor\": 1.5} | \"resnet_out_scale_factor\": 1.5",
        "{\"attention_type\": \"gated\"} | \"attention_type\": the string \"gated\"",
        "{\"addition_embed_type\": \"image\"} | \"addition_embed_type\": \"image\"",
        "{\"addition_embed_type\": \"text_time\"} | \"addition_time_embed_dim\"",
        "{\"class_embed_type\": \"projection\"} | \"projection_class_embeddings_input_dim\"",
        "{\"attention_head_dim\": [8, 8]} | \"attention_head_dim\" and \"block_out_channels\"",
        "{\"attention_head_dim\": 7} | 320 channels are not a multiple of 7",
        "{\"transformer_layers_per_block\": [1, [1, 1], 1, 1]} | \"reverse_transformer_layers",
        "{\"transformer_layers_per_block\": 0} | expected depths from 1",
        "{\"transformer_layers_per_block\": \"1\"} | found the string \"1\"",
        "{\"only_cross_attention\": [true]} | \"only_cross_attention\" and",
        "{\"only_cross_attention\": 1} | \"only_cross_attention\": expected true or false",
        "{\"conv_in_kernel\": 4} | \"conv_in_kernel\": expected an odd number, found 4",
        "{\"mid_block_type\": \"UNetMidBlock2DSimpleCrossAttn\"} | is not implemented",
        "{\"time_embedding_type\": \"fourier\", \"time_embedding_dim\": 33} | an even size",
        "{\"time_cond_proj_dim\": 256} | \"time_cond_proj_dim\": 256 is not implemented",
      })
  void wrongUNet2DConditionFieldsAreNamed(String json, String message) {
    InvalidModelException e = assertThrows(InvalidModelException.class, () -> condition(json));
    assertTrue(e.getMessage().contains(message), e.getMessage());
  }
}
