package io.diffuse4j.weights;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** The rules that diffusers' two U-Net configurations share. */
final class UNetFields {
  /** Bounds no published model comes near; they keep hostile sizes out of the arithmetic. */
  static final int MAX_CHANNELS = 1 << 16;

  static final int MAX_LAYERS = 64;
  static final int MAX_EXTENT = 1 << 14;
  private static final int MAX_BLOCKS = 16;

  private UNetFields() {}

  static Optional<ImageSize> sampleSize(ModelConfig config) {
    if (config.raw("sample_size") instanceof List) {
      List<Integer> size = config.integers("sample_size", List.of(), 1, MAX_EXTENT);
      if (size.size() != 2) {
        throw config.invalid("sample_size", "expected height and width, found " + size);
      }
      return Optional.of(new ImageSize(size.get(0), size.get(1)));
    }
    return config.optionalInteger("sample_size", 1, MAX_EXTENT).stream()
        .mapToObj(size -> new ImageSize(size, size))
        .findFirst();
  }

  static List<Integer> blockOutChannels(ModelConfig config, List<Integer> defaultValue) {
    List<Integer> channels = config.integers("block_out_channels", defaultValue, 1, MAX_CHANNELS);
    if (channels.isEmpty() || channels.size() > MAX_BLOCKS) {
      throw config.invalid(
          "block_out_channels",
          "expected 1 to " + MAX_BLOCKS + " blocks, found " + channels.size());
    }
    return channels;
  }

  /** Block types of one direction; as many as {@code block_out_channels}. */
  static List<UNetBlock> blocks(
      ModelConfig config,
      String field,
      List<String> defaultValue,
      int count,
      Set<UNetBlock> allowed,
      Function<UNetBlock, String> name) {
    List<String> names = config.strings(field, defaultValue);
    if (names.size() != count) {
      throw config.contradiction(
          field, "block_out_channels", "they list " + names.size() + " and " + count + " blocks");
    }
    return names.stream().map(each -> block(config, field, each, allowed, name)).toList();
  }

  private static UNetBlock block(
      ModelConfig config,
      String field,
      String name,
      Set<UNetBlock> allowed,
      Function<UNetBlock, String> nameOf) {
    // diffusers still accepts the name that its first configurations gave these blocks.
    String current = name.startsWith("UNetRes") ? name.substring("UNetRes".length()) : name;
    return allowed.stream()
        .filter(block -> nameOf.apply(block).equals(current))
        .findFirst()
        .orElseThrow(
            () ->
                config.invalid(
                    field,
                    "block type "
                        + Quote.quote(name)
                        + " is not implemented here, only "
                        + String.join(", ", allowed.stream().map(nameOf).sorted().toList())));
  }

  /** The number of groups of the norms, which must divide the channels of every block. */
  static int normGroups(ModelConfig config, List<Integer> channels) {
    int groups = config.integer("norm_num_groups", 32, 1, MAX_CHANNELS);
    checkDivides(config, "norm_num_groups", groups, channels);
    return groups;
  }

  static void checkDivides(ModelConfig config, String field, int divisor, List<Integer> channels) {
    for (int each : channels) {
      if (each % divisor != 0) {
        throw config.contradiction(
            field, "block_out_channels", each + " channels are not a multiple of " + divisor);
      }
    }
  }

  static double normEps(ModelConfig config) {
    return positive(config, "norm_eps", 1e-5);
  }

  static double positive(ModelConfig config, String field, double defaultValue) {
    double value = config.number(field, defaultValue);
    if (!(value > 0) || Double.isInfinite(value)) {
      throw config.invalid(field, "expected a positive number, found " + value);
    }
    return value;
  }

  static double finite(ModelConfig config, String field, double defaultValue) {
    double value = config.number(field, defaultValue);
    if (!Double.isFinite(value)) {
      throw config.invalid(field, "expected a finite number, found " + value);
    }
    return value;
  }

  /** SiLU is the only activation that published U-Nets of these classes use. */
  static void requireSilu(ModelConfig config) {
    String name = config.string("act_fn", "silu");
    if (!name.equals("silu") && !name.equals("swish")) {
      throw config.invalid("act_fn", Quote.quote(name) + " is not implemented, only \"silu\"");
    }
  }

  static boolean scaleShift(ModelConfig config) {
    return choice(config, "resnet_time_scale_shift", "default", "scale_shift");
  }

  /** Whether the field has its second possible value; null is the first. */
  static boolean choice(ModelConfig config, String field, String first, String second) {
    String value = config.string(field, first);
    if (!value.equals(first) && !value.equals(second)) {
      throw config.invalid(
          field,
          "expected "
              + Quote.quote(first)
              + " or "
              + Quote.quote(second)
              + ", found "
              + Quote.quote(value));
    }
    return value.equals(second);
  }

  static ClassEmbedding classEmbedding(ModelConfig config, boolean projections) {
    Optional<String> type = config.optionalString("class_embed_type");
    boolean table = config.has("num_class_embeds");
    if (type.isEmpty()) {
      return table ? ClassEmbedding.TABLE : ClassEmbedding.NONE;
    }
    ClassEmbedding embedding =
        switch (type.get()) {
          case "timestep" -> ClassEmbedding.TIMESTEP;
          case "identity" -> ClassEmbedding.IDENTITY;
          case "projection" -> ClassEmbedding.PROJECTION;
          case "simple_projection" -> ClassEmbedding.SIMPLE_PROJECTION;
          default -> ClassEmbedding.NONE;
        };
    boolean projection =
        embedding == ClassEmbedding.PROJECTION || embedding == ClassEmbedding.SIMPLE_PROJECTION;
    if (embedding == ClassEmbedding.NONE || (projection && !projections)) {
      throw config.invalid("class_embed_type", Quote.quote(type.get()) + " is not implemented");
    }
    if (table) {
      throw config.contradiction(
          "class_embed_type",
          "num_class_embeds",
          "a table of classes and " + Quote.quote(type.get()) + " exclude each other");
    }
    if (projection && !config.has("projection_class_embeddings_input_dim")) {
      throw config.contradiction(
          "class_embed_type",
          "projection_class_embeddings_input_dim",
          Quote.quote(type.get()) + " needs the size of its input");
    }
    return embedding;
  }
}
