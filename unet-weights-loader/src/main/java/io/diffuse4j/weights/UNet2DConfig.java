package io.diffuse4j.weights;

import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * diffusers' {@code UNet2DModel}, with its defaults, every per-block value spelt out and every
 * combination checked.
 *
 * @param sampleSize what the model was trained on, if the file says so
 * @param centerInputSample whether 2x − 1 is applied to the input
 * @param timeInputDim size of the vector that enters the time embedding's first linear layer
 * @param timeEmbedDim size of the time embedding
 * @param frequencyShift what is subtracted from half the dimension in the positional frequencies'
 *     exponent
 * @param flipSinToCos whether cosines come first
 * @param trainTimesteps rows of the table of a {@link TimeEmbedding#LEARNED} time embedding
 * @param downBlocks as long as {@code blockOutChannels}, the last without downsampling
 * @param upBlocks as long as {@code blockOutChannels}, the last without upsampling
 * @param midBlock whether there is a middle block (ResNet, attention, ResNet)
 * @param midAttention whether the middle block has its attention
 * @param midAttentionNormGroups groups of the norm before the middle attention; empty: no norm
 * @param midBlockScaleFactor what residual sums of the middle block are divided by
 * @param layersPerBlock ResNet layers of a down block; an up block has one more
 * @param downsamplePadding padding of strided convolutions; 0 means one row and column at the end
 * @param resnetDownsample whether {@link UNetBlock#ATTENTION} blocks downsample in a ResNet layer
 * @param resnetUpsample the same on the way up
 * @param attentionHeadDim size of an attention head; empty: one head of all channels
 * @param scaleShift whether the time embedding scales and shifts the second norm (FiLM) instead of
 *     being added before it
 * @param classEmbeds rows of the table of {@link ClassEmbedding#TABLE}
 */
public record UNet2DConfig(
    Optional<ImageSize> sampleSize,
    int inChannels,
    int outChannels,
    boolean centerInputSample,
    TimeEmbedding timeEmbedding,
    int timeInputDim,
    int timeEmbedDim,
    double frequencyShift,
    boolean flipSinToCos,
    OptionalInt trainTimesteps,
    List<UNetBlock> downBlocks,
    List<UNetBlock> upBlocks,
    boolean midBlock,
    boolean midAttention,
    OptionalInt midAttentionNormGroups,
    double midBlockScaleFactor,
    List<Integer> blockOutChannels,
    int layersPerBlock,
    int downsamplePadding,
    boolean resnetDownsample,
    boolean resnetUpsample,
    OptionalInt attentionHeadDim,
    int normGroups,
    double normEps,
    boolean scaleShift,
    ClassEmbedding classEmbedding,
    OptionalInt classEmbeds) {

  private static final EnumSet<UNetBlock> BLOCKS =
      EnumSet.of(UNetBlock.PLAIN, UNetBlock.RESNET_RESAMPLE, UNetBlock.ATTENTION);

  /**
   * Reads a {@code config.json}.
   *
   * @param warnings receives at most one line, about fields we do not know
   * @throws InvalidModelException if a field is wrong, contradicts another or is not implemented
   */
  public static UNet2DConfig from(ModelConfig config, Consumer<String> warnings) {
    List<Integer> channels = UNetFields.blockOutChannels(config, List.of(224, 448, 672, 896));
    int groups = UNetFields.normGroups(config, channels);
    boolean scaleShift = UNetFields.scaleShift(config);
    OptionalInt headDim = headDim(config);
    List<UNetBlock> down =
        UNetFields.blocks(
            config,
            "down_block_types",
            List.of("DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"),
            channels.size(),
            BLOCKS,
            UNetBlock::downName);
    List<UNetBlock> up =
        UNetFields.blocks(
            config,
            "up_block_types",
            List.of("AttnUpBlock2D", "AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
            channels.size(),
            BLOCKS,
            UNetBlock::upName);
    boolean midBlock = midBlock(config);
    boolean midAttention = config.bool("add_attention", true);
    checkHeads(config, headDim, channels, down, up, midBlock && midAttention);
    TimeEmbedding time = timeEmbedding(config);
    UNetFields.requireSilu(config);
    config.ignore("dropout");
    UNet2DConfig result =
        new UNet2DConfig(
            UNetFields.sampleSize(config),
            config.integer("in_channels", 3, 1, UNetFields.MAX_CHANNELS),
            config.integer("out_channels", 3, 1, UNetFields.MAX_CHANNELS),
            config.bool("center_input_sample", false),
            time,
            channels.get(0) * (time == TimeEmbedding.FOURIER ? 2 : 1),
            config.integer(
                "time_embedding_dim", channels.get(0) * 4, 1, UNetFields.MAX_CHANNELS * 4),
            UNetFields.finite(config, "freq_shift", 0),
            config.bool("flip_sin_to_cos", true),
            config.optionalInteger("num_train_timesteps", 1, 1 << 20),
            down,
            up,
            midBlock,
            midAttention,
            midNormGroups(config, groups, scaleShift, channels),
            UNetFields.positive(config, "mid_block_scale_factor", 1),
            channels,
            config.integer("layers_per_block", 2, 1, UNetFields.MAX_LAYERS),
            config.integer("downsample_padding", 1, 0, 1),
            UNetFields.choice(config, "downsample_type", "conv", "resnet"),
            UNetFields.choice(config, "upsample_type", "conv", "resnet"),
            headDim,
            groups,
            UNetFields.normEps(config),
            scaleShift,
            UNetFields.classEmbedding(config, false),
            config.optionalInteger("num_class_embeds", 1, 1 << 24));
    config.warnUnknownFields(warnings);
    return result;
  }

  /** Attention heads over {@code channels} channels. */
  public int attentionHeads(int channels) {
    return attentionHeadDim.isPresent() ? channels / attentionHeadDim.getAsInt() : 1;
  }

  /** diffusers: null is no default here but one head of all channels, as ddpm-cifar10-32 has it. */
  private static OptionalInt headDim(ModelConfig config) {
    OptionalInt dim = config.optionalInteger("attention_head_dim", 1, UNetFields.MAX_CHANNELS);
    return dim.isPresent() || config.isNull("attention_head_dim") ? dim : OptionalInt.of(8);
  }

  private static void checkHeads(
      ModelConfig config,
      OptionalInt headDim,
      List<Integer> channels,
      List<UNetBlock> down,
      List<UNetBlock> up,
      boolean mid) {
    if (headDim.isEmpty()) {
      return;
    }
    int last = channels.size() - 1;
    for (int i = 0; i <= last; i++) {
      if (down.get(i) == UNetBlock.ATTENTION
          || up.get(last - i) == UNetBlock.ATTENTION
          || (mid && i == last)) {
        UNetFields.checkDivides(
            config, "attention_head_dim", headDim.getAsInt(), List.of(channels.get(i)));
      }
    }
  }

  private static TimeEmbedding timeEmbedding(ModelConfig config) {
    String type = config.string("time_embedding_type", "positional");
    return switch (type) {
      case "positional" -> TimeEmbedding.POSITIONAL;
      case "fourier" -> TimeEmbedding.FOURIER;
      case "learned" -> {
        if (!config.has("num_train_timesteps")) {
          throw config.contradiction(
              "time_embedding_type", "num_train_timesteps", "\"learned\" needs the table's rows");
        }
        yield TimeEmbedding.LEARNED;
      }
      default ->
          throw config.invalid("time_embedding_type", Quote.quote(type) + " is not implemented");
    };
  }

  private static boolean midBlock(ModelConfig config) {
    if (config.isNull("mid_block_type")) {
      return false; // diffusers: null means no middle block
    }
    config.requireDefault("mid_block_type", "UNetMidBlock2D");
    return true;
  }

  /** diffusers: unless asked for, the middle attention has a norm only without scale and shift. */
  private static OptionalInt midNormGroups(
      ModelConfig config, int groups, boolean scaleShift, List<Integer> channels) {
    OptionalInt own = config.optionalInteger("attn_norm_num_groups", 1, UNetFields.MAX_CHANNELS);
    if (own.isPresent()) {
      int last = channels.get(channels.size() - 1);
      UNetFields.checkDivides(config, "attn_norm_num_groups", own.getAsInt(), List.of(last));
      return own;
    }
    return scaleShift ? OptionalInt.empty() : OptionalInt.of(groups);
  }
}
