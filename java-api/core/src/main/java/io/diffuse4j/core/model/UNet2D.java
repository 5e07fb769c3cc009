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
import io.diffuse4j.weights.UNet2DConfig;
import io.diffuse4j.weights.UNetBlock;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * The U-Net of DDPM, score SDE and ADM as diffusers' UNet2DModel publishes it: pixels, a timestep
 * and perhaps a class in, a prediction of the same size out.
 *
 * <p>Graph inputs: {@code sample} [n, h, w, c], {@code timestep} [n] f32, {@code class_labels} [n]
 * int32 where the model has classes. Output: {@code sample}, f32.
 */
public final class UNet2D implements UNet {
  private final UNet2DConfig config;

  /**
   * A network as configured.
   *
   * @throws InvalidModelException if the configuration asks for what we do not compute
   */
  public UNet2D(UNet2DConfig config) {
    if (config.timeEmbedding() != TimeEmbedding.POSITIONAL) {
      throw new InvalidModelException(
          "time_embedding_type " + config.timeEmbedding() + " is not implemented for UNet2DModel");
    }
    if (config.centerInputSample()) {
      throw new InvalidModelException("center_input_sample true is not implemented");
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
    build(shape, type, timeLayers);
    return build(shape, type, timeLayers);
  }

  /** One of the two passes that {@link StackedLinear} wants. */
  private Graph build(Shape shape, ElementType type, List<StackedLinear.Layer> timeLayers) {
    GraphBuilder graph = new GraphBuilder(type);
    int n = shape.batch();
    Value sample =
        graph.input("sample", n, shape.height(), shape.width(), config.inChannels(), type);
    Value timestep = graph.input("timestep", n, 1, 1, 1, ElementType.F32);
    Value embedding = embedding(graph, timestep);
    StackedLinear time = new StackedLinear(graph, graph.silu(embedding), true, timeLayers);

    Value x =
        graph.conv2d("conv_in", sample, config.blockOutChannels().get(0), 3, ConvOptions.PLAIN);
    Deque<Value> skips = new ArrayDeque<>();
    skips.push(x);
    x = down(graph, time, x, skips);
    x = middle(graph, time, x);
    x = up(graph, time, x, skips);
    x = graph.groupNorm("conv_norm_out", x, null, config.normGroups(), epsilon(), null, true);
    x =
        graph.conv2d(
            "conv_out", x, config.outChannels(), 3, ConvOptions.PLAIN.outputType(ElementType.F32));
    graph.output("sample", x);
    return graph.build();
  }

  private Value embedding(GraphBuilder graph, Value timestep) {
    Value features =
        graph.timestepEmbedding(
            timestep,
            config.timeInputDim(),
            config.flipSinToCos(),
            (float) config.frequencyShift());
    int dim = config.timeEmbedDim();
    Value embedding = TimeMlp.build(graph, "time_embedding", features, dim);
    Value classes =
        ClassConditioning.build(
            graph,
            config.classEmbedding(),
            timestep.n(),
            config.classEmbeds().orElse(0),
            dim,
            labels ->
                graph.timestepEmbedding(
                    labels,
                    config.timeInputDim(),
                    config.flipSinToCos(),
                    (float) config.frequencyShift()));
    return classes == null ? embedding : graph.add(embedding, classes);
  }

  private float epsilon() {
    return (float) config.normEps();
  }

  private ResnetBlock resnet(String prefix, int outputs, float scale, Resampling resampling) {
    return new ResnetBlock(
        prefix, outputs, config.normGroups(), epsilon(), config.scaleShift(), scale, resampling);
  }

  private SelfAttentionBlock attention(String prefix, int channels, int groups, float scale) {
    int headDim = config.attentionHeadDim().orElse(channels);
    return new SelfAttentionBlock(prefix, groups, epsilon(), headDim, scale);
  }

  private Value down(GraphBuilder graph, StackedLinear time, Value x, Deque<Value> skips) {
    List<UNetBlock> types = config.downBlocks();
    for (int i = 0; i < types.size(); i++) {
      String prefix = "down_blocks." + i;
      UNetBlock type = types.get(i);
      int channels = config.blockOutChannels().get(i);
      for (int j = 0; j < config.layersPerBlock(); j++) {
        x =
            resnet(prefix + ".resnets." + j, channels, 1f, Resampling.NONE)
                .build(graph, time, x, null);
        if (type == UNetBlock.ATTENTION) {
          x =
              attention(prefix + ".attentions." + j, channels, config.normGroups(), 1f)
                  .build(graph, x);
        }
        skips.push(x);
      }
      if (i + 1 < types.size()) {
        String sampler = prefix + ".downsamplers.0";
        boolean resnet =
            type == UNetBlock.RESNET_RESAMPLE
                || (type == UNetBlock.ATTENTION && config.resnetDownsample());
        x =
            resnet
                ? resnet(sampler, channels, 1f, Resampling.DOWN).build(graph, time, x, null)
                : Resampler.down(graph, sampler + ".conv", x, config.downsamplePadding());
        skips.push(x);
      }
    }
    return x;
  }

  private Value middle(GraphBuilder graph, StackedLinear time, Value x) {
    if (!config.midBlock()) {
      return x;
    }
    float scale = (float) config.midBlockScaleFactor();
    int channels = x.c();
    x = resnet("mid_block.resnets.0", channels, scale, Resampling.NONE).build(graph, time, x, null);
    if (config.midAttention()) {
      x =
          attention(
                  "mid_block.attentions.0",
                  channels,
                  config.midAttentionNormGroups().orElse(0),
                  scale)
              .build(graph, x);
    }
    return resnet("mid_block.resnets.1", channels, scale, Resampling.NONE)
        .build(graph, time, x, null);
  }

  private Value up(GraphBuilder graph, StackedLinear time, Value x, Deque<Value> skips) {
    List<UNetBlock> types = config.upBlocks();
    int blocks = types.size();
    for (int i = 0; i < blocks; i++) {
      String prefix = "up_blocks." + i;
      UNetBlock type = types.get(i);
      int channels = config.blockOutChannels().get(blocks - 1 - i);
      for (int j = 0; j <= config.layersPerBlock(); j++) {
        x =
            resnet(prefix + ".resnets." + j, channels, 1f, Resampling.NONE)
                .build(graph, time, x, skips.pop());
        if (type == UNetBlock.ATTENTION) {
          x =
              attention(prefix + ".attentions." + j, channels, config.normGroups(), 1f)
                  .build(graph, x);
        }
      }
      if (i + 1 < blocks) {
        String sampler = prefix + ".upsamplers.0";
        boolean resnet =
            type == UNetBlock.RESNET_RESAMPLE
                || (type == UNetBlock.ATTENTION && config.resnetUpsample());
        x =
            resnet
                ? resnet(sampler, channels, 1f, Resampling.UP).build(graph, time, x, null)
                : Resampler.up(graph, sampler + ".conv", x);
      }
    }
    return x;
  }
}
