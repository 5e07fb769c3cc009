package io.diffuse4j.core.model;

import io.diffuse4j.core.model.ResnetBlock.Resampling;
import io.diffuse4j.core.op.ElementType;
import io.diffuse4j.core.op.Graph;
import io.diffuse4j.core.op.GraphBuilder;
import io.diffuse4j.core.op.GraphBuilder.ConvOptions;
import io.diffuse4j.core.op.Value;
import io.diffuse4j.weights.ClassEmbedding;
import io.diffuse4j.weights.ImageSize;
import io.diffuse4j.weights.InvalidModelException;
import io.diffuse4j.weights.TimeEmbedding;
import io.diffuse4j.weights.UNet2DConditionConfig;
import io.diffuse4j.weights.UNet2DConditionConfig.MidBlock;
import io.diffuse4j.weights.UNetBlock;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * The U-Net of latent diffusion as diffusers' UNet2DConditionModel publishes it: Stable Diffusion
 * 1, 2 and XL and their inpainting forms.
 *
 * <p>Graph inputs: {@code sample} [n, h, w, c], {@code timestep} [n] f32, {@code
 * encoder_hidden_states} [n, tokens, width]; where the model has them {@code class_labels}, {@code
 * text_embeds} and {@code time_ids} (f32). Output: {@code sample}, f32.
 */
public final class UNet2DCondition implements UNet {
  /** Original size, crop corner and target size, two numbers each. */
  private static final int TIME_IDS = 6;

  private final UNet2DConditionConfig config;

  /**
   * A network as configured.
   *
   * @throws InvalidModelException if the configuration asks for what we do not compute
   */
  public UNet2DCondition(UNet2DConditionConfig config) {
    if (config.centerInputSample()) {
      throw new InvalidModelException("center_input_sample true is not implemented");
    }
    if (config.crossAttentionDim().stream().distinct().count() > 1) {
      throw new InvalidModelException(
          "cross_attention_dim " + config.crossAttentionDim() + " is not implemented: one for all");
    }
    this.config = config;
  }

  @Override
  public int inChannels() {
    return config.inChannels();
  }

  @Override
  public int outChannels() {
    return config.outChannels();
  }

  @Override
  public int classes() {
    return config.classEmbedding() == ClassEmbedding.TABLE ? config.classEmbeds().getAsInt() : 0;
  }

  @Override
  public Optional<ImageSize> sampleSize() {
    return config.sampleSize();
  }

  @Override
  public int sizeMultiple() {
    return 1 << (config.blockOutChannels().size() - 1);
  }

  @Override
  public Graph graph(Shape shape, ElementType type) {
    List<StackedLinear.Layer> timeLayers = new ArrayList<>();
    List<StackedLinear.Layer> contextLayers = new ArrayList<>();
    build(shape, type, timeLayers, contextLayers);
    return build(shape, type, timeLayers, contextLayers);
  }

  /** One of the two passes that {@link StackedLinear} wants. */
  private Graph build(
      Shape shape,
      ElementType type,
      List<StackedLinear.Layer> timeLayers,
      List<StackedLinear.Layer> contextLayers) {
    GraphBuilder graph = new GraphBuilder(type);
    int n = shape.batch();
    Value sample =
        graph.input("sample", n, shape.height(), shape.width(), config.inChannels(), type);
    Value timestep = graph.input("timestep", n, 1, 1, 1, ElementType.F32);
    Value states =
        graph.input(
            "encoder_hidden_states",
            n,
            shape.contextTokens(),
            1,
            config.crossAttentionDim().get(0),
            type);
    Value embedding = embedding(graph, timestep);
    StackedLinear time = new StackedLinear(graph, graph.silu(embedding), true, timeLayers);
    StackedLinear context = new StackedLinear(graph, states, false, contextLayers);

    Value x =
        graph.conv2d(
            "conv_in",
            sample,
            config.blockOutChannels().get(0),
            config.convInKernel(),
            ConvOptions.PLAIN);
    Deque<Value> skips = new ArrayDeque<>();
    skips.push(x);
    x = down(graph, time, x, skips, context);
    x = middle(graph, time, x, context);
    x = up(graph, time, x, skips, context);
    x = graph.groupNorm("conv_norm_out", x, null, config.normGroups(), epsilon(), null, true);
    x =
        graph.conv2d(
            "conv_out",
            x,
            config.outChannels(),
            config.convOutKernel(),
            ConvOptions.PLAIN.outputType(ElementType.F32));
    graph.output("sample", x);
    return graph.build();
  }

  private float epsilon() {
    return (float) config.normEps();
  }

  private Value sinusoids(GraphBuilder graph, Value scalars, int dim) {
    return graph.timestepEmbedding(
        scalars, dim, config.flipSinToCos(), (float) config.frequencyShift());
  }

  private Value embedding(GraphBuilder graph, Value timestep) {
    int n = timestep.n();
    int dim = config.timeEmbedDim();
    Value features =
        config.timeEmbedding() == TimeEmbedding.FOURIER
            ? graph.fourierEmbedding(
                "time_proj.weight",
                timestep,
                config.timeInputDim() / 2,
                config.flipSinToCos(),
                false)
            : sinusoids(graph, timestep, config.timeInputDim());
    Value embedding = TimeMlp.build(graph, "time_embedding", features, dim);
    Value classes =
        ClassConditioning.build(
            graph,
            config.classEmbedding(),
            n,
            config.classEmbeds().orElse(config.projectionInputDim().orElse(0)),
            dim,
            labels -> sinusoids(graph, labels, config.timeInputDim()));
    if (classes != null) {
      embedding = graph.add(embedding, classes);
    }
    if (config.textTime()) {
      // SDXL (Podell et al., 2023, section 2.2): pooled text beside features of sizes and crops.
      int timeDim = config.additionTimeDim().getAsInt();
      int text = config.projectionInputDim().getAsInt() - TIME_IDS * timeDim;
      Value timeIds = graph.input("time_ids", n, 1, 1, TIME_IDS, ElementType.F32);
      Value textEmbeds = graph.input("text_embeds", n, 1, 1, text, ElementType.F32);
      Value timeFeatures = sinusoids(graph, timeIds, timeDim);
      embedding =
          graph.add(
              embedding, TimeMlp.build(graph, "add_embedding", textEmbeds, timeFeatures, dim));
    }
    return embedding;
  }

  private ResnetBlock resnet(String prefix, int outputs, float scale, Resampling resampling) {
    return new ResnetBlock(
        prefix, outputs, config.normGroups(), epsilon(), config.scaleShift(), scale, resampling);
  }

  private SpatialTransformer transformer(
      String prefix, int heads, int depth, boolean onlyCrossAttention) {
    return new SpatialTransformer(
        prefix, heads, depth, config.normGroups(), config.linearProjection(), onlyCrossAttention);
  }

  private Value down(
      GraphBuilder graph, StackedLinear time, Value x, Deque<Value> skips, StackedLinear context) {
    List<UNetBlock> types = config.downBlocks();
    for (int i = 0; i < types.size(); i++) {
      String prefix = "down_blocks." + i;
      int channels = config.blockOutChannels().get(i);
      for (int j = 0; j < config.layersPerBlock().get(i); j++) {
        x =
            resnet(prefix + ".resnets." + j, channels, 1f, Resampling.NONE)
                .build(graph, time, x, null);
        if (types.get(i) == UNetBlock.CROSS_ATTENTION) {
          x =
              transformer(
                      prefix + ".attentions." + j,
                      config.attentionHeads().get(i),
                      config.downTransformerLayers().get(i).get(j),
                      config.onlyCrossAttention().get(i))
                  .build(graph, x, context);
        }
        skips.push(x);
      }
      if (i + 1 < types.size()) {
        String sampler = prefix + ".downsamplers.0";
        x =
            types.get(i) == UNetBlock.RESNET_RESAMPLE
                ? resnet(sampler, channels, 1f, Resampling.DOWN).build(graph, time, x, null)
                : Resampler.down(graph, sampler + ".conv", x, config.downsamplePadding());
        skips.push(x);
      }
    }
    return x;
  }

  private Value middle(GraphBuilder graph, StackedLinear time, Value x, StackedLinear context) {
    if (config.midBlock() == MidBlock.NONE) {
      return x;
    }
    float scale = (float) config.midBlockScaleFactor();
    int last = config.blockOutChannels().size() - 1;
    int channels = x.c();
    x = resnet("mid_block.resnets.0", channels, scale, Resampling.NONE).build(graph, time, x, null);
    if (config.midBlock() == MidBlock.RESNET) {
      return x;
    }
    x =
        transformer(
                "mid_block.attentions.0",
                config.attentionHeads().get(last),
                config.midTransformerLayers(),
                false)
            .build(graph, x, context);
    return resnet("mid_block.resnets.1", channels, scale, Resampling.NONE)
        .build(graph, time, x, null);
  }

  private Value up(
      GraphBuilder graph, StackedLinear time, Value x, Deque<Value> skips, StackedLinear context) {
    List<UNetBlock> types = config.upBlocks();
    int blocks = types.size();
    for (int i = 0; i < blocks; i++) {
      String prefix = "up_blocks." + i;
      int mirror = blocks - 1 - i;
      int channels = config.blockOutChannels().get(mirror);
      for (int j = 0; j <= config.layersPerBlock().get(mirror); j++) {
        x =
            resnet(prefix + ".resnets." + j, channels, 1f, Resampling.NONE)
                .build(graph, time, x, skips.pop());
        if (types.get(i) == UNetBlock.CROSS_ATTENTION) {
          x =
              transformer(
                      prefix + ".attentions." + j,
                      config.attentionHeads().get(mirror),
                      config.upTransformerLayers().get(i).get(j),
                      config.onlyCrossAttention().get(mirror))
                  .build(graph, x, context);
        }
      }
      if (i + 1 < blocks) {
        String sampler = prefix + ".upsamplers.0";
        x =
            types.get(i) == UNetBlock.RESNET_RESAMPLE
                ? resnet(sampler, channels, 1f, Resampling.UP).build(graph, time, x, null)
                : Resampler.up(graph, sampler + ".conv", x);
      }
    }
    return x;
  }
}
