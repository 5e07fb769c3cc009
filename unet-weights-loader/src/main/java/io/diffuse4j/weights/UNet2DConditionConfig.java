package io.diffuse4j.weights;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * diffusers' {@code UNet2DConditionModel}, with its defaults, every per-block value spelt out and
 * every combination checked. Lists "per down block" are as long as {@code blockOutChannels}; an up
 * block i takes the entry of its mirror image, the down block {@code size - 1 - i}.
 *
 * @param sampleSize what the model was trained on, if the file says so
 * @param centerInputSample whether 2x − 1 is applied to the input
 * @param timeInputDim size of the vector that enters the time embedding's first linear layer
 * @param timeEmbedDim size of the time embedding
 * @param frequencyShift what is subtracted from half the dimension in the positional frequencies'
 *     exponent
 * @param flipSinToCos whether cosines come first
 * @param midBlock what the middle block is
 * @param midBlockScaleFactor what residual sums of the middle block's ResNet layers are divided by
 * @param layersPerBlock per down block: ResNet layers; the up block has one more
 * @param downTransformerLayers per down block and its layer: depth of the transformer
 * @param upTransformerLayers per up block, in the order of the up blocks, and its layer
 * @param midTransformerLayers depth of the middle block's transformer
 * @param attentionHeads per down block: number of heads of its transformers; the middle block's is
 *     the last. The file calls it {@code attention_head_dim}: an error in diffusers' first
 *     configurations that all later ones keep.
 * @param onlyCrossAttention per down block: whether the transformers' first attention attends to
 *     the encoder's hidden states too
 * @param crossAttentionDim per down block: size of a token of the encoder's hidden states
 * @param linearProjection whether transformers project in and out by linear layers, not 1x1
 *     convolutions
 * @param downsamplePadding padding of strided convolutions; 0 means one row and column at the end
 * @param scaleShift whether the time embedding scales and shifts the second norm (FiLM) instead of
 *     being added before it
 * @param classEmbeds rows of the table of {@link ClassEmbedding#TABLE}
 * @param projectionInputDim size of the vector that the class projection or the text_time embedding
 *     takes
 * @param textTime whether there is SDXL's additional embedding of {@code text_embeds} and {@code
 *     time_ids}
 * @param additionTimeDim size of the sinusoidal embedding of each of the {@code time_ids}
 * @param convInKernel extent of the first convolution, odd
 * @param convOutKernel extent of the last convolution, odd
 */
public record UNet2DConditionConfig(
    Optional<ImageSize> sampleSize,
    int inChannels,
    int outChannels,
    boolean centerInputSample,
    TimeEmbedding timeEmbedding,
    int timeInputDim,
    int timeEmbedDim,
    double frequencyShift,
    boolean flipSinToCos,
    List<UNetBlock> downBlocks,
    List<UNetBlock> upBlocks,
    MidBlock midBlock,
    double midBlockScaleFactor,
    List<Integer> blockOutChannels,
    List<Integer> layersPerBlock,
    List<List<Integer>> downTransformerLayers,
    List<List<Integer>> upTransformerLayers,
    int midTransformerLayers,
    List<Integer> attentionHeads,
    List<Boolean> onlyCrossAttention,
    List<Integer> crossAttentionDim,
    boolean linearProjection,
    int downsamplePadding,
    int normGroups,
    double normEps,
    boolean scaleShift,
    ClassEmbedding classEmbedding,
    OptionalInt classEmbeds,
    OptionalInt projectionInputDim,
    boolean textTime,
    OptionalInt additionTimeDim,
    int convInKernel,
    int convOutKernel) {

  /** The kinds of middle blocks. */
  public enum MidBlock {
    /** There is none. */
    NONE,
    /** {@code UNetMidBlock2D}: in this class a single ResNet layer without attention. */
    RESNET,
    /** {@code UNetMidBlock2DCrossAttn}: ResNet, transformer, ResNet. */
    CROSS_ATTENTION
  }

  private static final EnumSet<UNetBlock> BLOCKS =
      EnumSet.of(UNetBlock.PLAIN, UNetBlock.RESNET_RESAMPLE, UNetBlock.CROSS_ATTENTION);
  private static final String CHANNELS = "block_out_channels";

  /**
   * Reads a {@code config.json}.
   *
   * @param warnings receives at most one line, about fields we do not know
   * @throws InvalidModelException if a field is wrong, contradicts another or is not implemented
   */
  public static UNet2DConditionConfig from(ModelConfig config, Consumer<String> warnings) {
    refuseWhatIsNotImplemented(config);
    List<Integer> channels = UNetFields.blockOutChannels(config, List.of(320, 640, 1280, 1280));
    int count = channels.size();
    List<UNetBlock> down =
        UNetFields.blocks(
            config,
            "down_block_types",
            List.of(
                "CrossAttnDownBlock2D",
                "CrossAttnDownBlock2D",
                "CrossAttnDownBlock2D",
                "DownBlock2D"),
            count,
            BLOCKS,
            UNetBlock::downName);
    List<UNetBlock> up =
        UNetFields.blocks(
            config,
            "up_block_types",
            List.of("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
            count,
            BLOCKS,
            UNetBlock::upName);
    MidBlock mid = midBlock(config);
    List<Integer> layers =
        config.integerPerBlock("layers_per_block", 2, 1, UNetFields.MAX_LAYERS, count, CHANNELS);
    TransformerLayers transformers = TransformerLayers.from(config, layers);
    List<Integer> heads =
        config.integerPerBlock(
            "attention_head_dim", 8, 1, UNetFields.MAX_CHANNELS, count, CHANNELS);
    checkHeads(config, heads, channels, down, up, mid);
    TimeEmbedding time =
        UNetFields.choice(config, "time_embedding_type", "positional", "fourier")
            ? TimeEmbedding.FOURIER
            : TimeEmbedding.POSITIONAL;
    int timeEmbedDim = timeEmbedDim(config, time, channels.get(0));
    boolean textTime = textTime(config);
    UNet2DConditionConfig result =
        new UNet2DConditionConfig(
            UNetFields.sampleSize(config),
            config.integer("in_channels", 4, 1, UNetFields.MAX_CHANNELS),
            config.integer("out_channels", 4, 1, UNetFields.MAX_CHANNELS),
            config.bool("center_input_sample", false),
            time,
            time == TimeEmbedding.FOURIER ? timeEmbedDim : channels.get(0),
            timeEmbedDim,
            UNetFields.finite(config, "freq_shift", 0),
            config.bool("flip_sin_to_cos", true),
            down,
            up,
            mid,
            UNetFields.positive(config, "mid_block_scale_factor", 1),
            channels,
            layers,
            transformers.down(),
            transformers.up(),
            transformers.mid(),
            heads,
            config.boolPerBlock("only_cross_attention", false, count, CHANNELS),
            config.integerPerBlock(
                "cross_attention_dim", 1280, 1, UNetFields.MAX_CHANNELS, count, CHANNELS),
            config.bool("use_linear_projection", false),
            config.integer("downsample_padding", 1, 0, 1),
            UNetFields.normGroups(config, channels),
            UNetFields.normEps(config),
            UNetFields.scaleShift(config),
            UNetFields.classEmbedding(config, true),
            config.optionalInteger("num_class_embeds", 1, 1 << 24),
            config.optionalInteger(
                "projection_class_embeddings_input_dim", 1, UNetFields.MAX_CHANNELS),
            textTime,
            config.optionalInteger("addition_time_embed_dim", 1, UNetFields.MAX_CHANNELS),
            kernel(config, "conv_in_kernel"),
            kernel(config, "conv_out_kernel"));
    config.warnUnknownFields(warnings);
    return result;
  }

  private static void refuseWhatIsNotImplemented(ModelConfig config) {
    if (config.has("num_attention_heads")) {
      throw config.contradiction(
          "num_attention_heads",
          "attention_head_dim",
          "the number of heads is given by attention_head_dim; num_attention_heads must be null, as"
              + " in diffusers");
    }
    UNetFields.requireSilu(config);
    config.requireDefault("dual_cross_attention", false);
    config.requireDefault("encoder_hid_dim", null);
    config.requireDefault("encoder_hid_dim_type", null);
    config.requireDefault("attention_type", "default");
    config.requireDefault("class_embeddings_concat", false);
    config.requireDefault("time_embedding_act_fn", null);
    config.requireDefault("timestep_post_act", null);
    config.requireDefault("time_cond_proj_dim", null);
    config.requireDefault("resnet_skip_time_act", false);
    config.requireDefault("resnet_out_scale_factor", 1.0);
    config.requireDefault("cross_attention_norm", null);
    config.requireDefault("mid_block_only_cross_attention", false);
    // Without effect on what we compute: dropout is for training, attention scores are float32
    // always, and the heads belong to an embedding that textTime() refuses.
    config.ignore("dropout", "upcast_attention", "addition_embed_type_num_heads");
  }

  private static MidBlock midBlock(ModelConfig config) {
    if (config.isNull("mid_block_type")) {
      return MidBlock.NONE; // diffusers: null means no middle block
    }
    String type = config.string("mid_block_type", "UNetMidBlock2DCrossAttn");
    return switch (type) {
      case "UNetMidBlock2DCrossAttn" -> MidBlock.CROSS_ATTENTION;
      case "UNetMidBlock2D" -> MidBlock.RESNET;
      default -> throw config.invalid("mid_block_type", Quote.quote(type) + " is not implemented");
    };
  }

  private static void checkHeads(
      ModelConfig config,
      List<Integer> heads,
      List<Integer> channels,
      List<UNetBlock> down,
      List<UNetBlock> up,
      MidBlock mid) {
    int last = channels.size() - 1;
    for (int i = 0; i <= last; i++) {
      if (down.get(i) == UNetBlock.CROSS_ATTENTION
          || up.get(last - i) == UNetBlock.CROSS_ATTENTION
          || (mid == MidBlock.CROSS_ATTENTION && i == last)) {
        UNetFields.checkDivides(
            config, "attention_head_dim", heads.get(i), List.of(channels.get(i)));
      }
    }
  }

  private static int timeEmbedDim(ModelConfig config, TimeEmbedding time, int channels) {
    int factor = time == TimeEmbedding.FOURIER ? 2 : 4;
    int dim =
        config.integer("time_embedding_dim", channels * factor, 1, UNetFields.MAX_CHANNELS * 4);
    if (time == TimeEmbedding.FOURIER && dim % 2 != 0) {
      throw config.contradiction(
          "time_embedding_type",
          "time_embedding_dim",
          "\"fourier\" needs an even size, not " + dim);
    }
    return dim;
  }

  private static boolean textTime(ModelConfig config) {
    Optional<String> type = config.optionalString("addition_embed_type");
    if (type.isEmpty()) {
      return false;
    }
    if (!type.get().equals("text_time")) {
      throw config.invalid(
          "addition_embed_type",
          Quote.quote(type.get()) + " is not implemented, only null and \"text_time\"");
    }
    for (String needed :
        List.of("addition_time_embed_dim", "projection_class_embeddings_input_dim")) {
      if (!config.has(needed)) {
        throw config.contradiction(
            "addition_embed_type", needed, "\"text_time\" needs a number there");
      }
    }
    return true;
  }

  private static int kernel(ModelConfig config, String field) {
    int extent = config.integer(field, 3, 1, 15);
    if (extent % 2 == 0) {
      throw config.invalid(field, "expected an odd number, found " + extent);
    }
    return extent;
  }

  /** {@code transformer_layers_per_block}: a number, one a block, or one for each layer of it. */
  private record TransformerLayers(List<List<Integer>> down, List<List<Integer>> up, int mid) {
    private static final String FIELD = "transformer_layers_per_block";
    private static final String REVERSE = "reverse_transformer_layers_per_block";

    static TransformerLayers from(ModelConfig config, List<Integer> layers) {
      List<Integer> upLayers = new ArrayList<>();
      layers.forEach(count -> upLayers.add(0, count + 1));
      List<?> blocks = blocks(config, FIELD, layers.size());
      List<List<Integer>> down = depths(config, FIELD, blocks, layers);
      List<Object> reversed = new ArrayList<>(blocks);
      Collections.reverse(reversed);
      if (config.has(REVERSE)) {
        reversed = new ArrayList<>(blocks(config, REVERSE, layers.size()));
      } else if (blocks.stream().anyMatch(List.class::isInstance)) {
        throw config.contradiction(
            FIELD, REVERSE, "depths for each layer on the way down need such on the way up");
      }
      List<List<Integer>> up =
          depths(config, config.has(REVERSE) ? REVERSE : FIELD, reversed, upLayers);
      return new TransformerLayers(down, up, down.get(layers.size() - 1).get(0));
    }

    private static List<?> blocks(ModelConfig config, String field, int count) {
      Object value = config.raw(field);
      if (!(value instanceof List<?> list)) {
        return Collections.nCopies(count, value == null ? (Object) 1L : value);
      }
      if (list.size() != count) {
        throw config.contradiction(
            field, CHANNELS, "they list " + list.size() + " and " + count + " blocks");
      }
      return list;
    }

    private static List<List<Integer>> depths(
        ModelConfig config, String field, List<?> blocks, List<Integer> layers) {
      List<List<Integer>> depths = new ArrayList<>();
      for (int i = 0; i < layers.size(); i++) {
        List<?> block =
            blocks.get(i) instanceof List<?> list
                ? list
                : Collections.nCopies(layers.get(i), blocks.get(i));
        if (block.size() != layers.get(i)) {
          throw config.contradiction(
              field,
              "layers_per_block",
              "block "
                  + i
                  + " lists "
                  + block.size()
                  + " depths for its "
                  + layers.get(i)
                  + " layers");
        }
        depths.add(block.stream().map(depth -> depth(config, field, depth)).toList());
      }
      return List.copyOf(depths);
    }

    private static int depth(ModelConfig config, String field, Object value) {
      if (!(value instanceof Long depth) || depth < 1 || depth > UNetFields.MAX_LAYERS) {
        throw config.invalid(
            field,
            "expected depths from 1 to "
                + UNetFields.MAX_LAYERS
                + ", found "
                + JsonTree.describe(value));
      }
      return depth.intValue();
    }
  }
}
