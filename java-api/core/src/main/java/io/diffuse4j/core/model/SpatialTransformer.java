package io.diffuse4j.core.model;

import io.diffuse4j.core.op.GraphBuilder;
import io.diffuse4j.core.op.GraphBuilder.LinearOptions;
import io.diffuse4j.core.op.Value;
import io.diffuse4j.core.op.Weight;
import java.util.List;
import java.util.stream.Stream;

/**
 * The transformer over pixels of latent diffusion (Rombach et al., 2022): norm, projection, blocks
 * of self-attention, cross-attention to the context and a GEGLU feed-forward, projection, residual.
 *
 * @param heads of both attentions; their width is the block's channels
 * @param depth transformer blocks
 * @param groups of the norm in front
 * @param linearProjection the file holds proj_in and proj_out as matrices, not 1x1 filters
 * @param onlyCrossAttention the first attention reads the context, too
 */
record SpatialTransformer(
    String prefix,
    int heads,
    int depth,
    int groups,
    boolean linearProjection,
    boolean onlyCrossAttention) {
  /** diffusers' Transformer2DModel fixes these, whatever the U-Net's norm_eps. */
  private static final float GROUP_NORM_EPSILON = 1e-6f;

  private static final float LAYER_NORM_EPSILON = 1e-5f;

  Value build(GraphBuilder graph, Value x, StackedLinear context) {
    int channels = x.c();
    Value h = graph.groupNorm(prefix + ".norm", x, null, groups, GROUP_NORM_EPSILON, null, false);
    h = project(graph, ".proj_in", h, LinearOptions.PLAIN);
    for (int i = 0; i < depth; i++) {
      String block = prefix + ".transformer_blocks." + i;
      Value normed = graph.layerNorm(block + ".norm1", h, LAYER_NORM_EPSILON);
      h =
          onlyCrossAttention
              ? crossAttention(graph, block + ".attn1", normed, context, h)
              : selfAttention(graph, block + ".attn1", normed, h);
      normed = graph.layerNorm(block + ".norm2", h, LAYER_NORM_EPSILON);
      h = crossAttention(graph, block + ".attn2", normed, context, h);
      normed = graph.layerNorm(block + ".norm3", h, LAYER_NORM_EPSILON);
      Value gated =
          graph.geglu(
              graph.linear(block + ".ff.net.0.proj", normed, 8 * channels, LinearOptions.PLAIN));
      h = graph.linear(block + ".ff.net.2", gated, channels, LinearOptions.PLAIN.residual(h, 1f));
    }
    return project(graph, ".proj_out", h, LinearOptions.PLAIN.residual(x, 1f));
  }

  private Value project(GraphBuilder graph, String name, Value x, LinearOptions options) {
    String weight = prefix + name + ".weight";
    return graph.linear(
        x,
        linearProjection
            ? Weight.linear(weight, x.c(), x.c())
            : Weight.linearFromConv(weight, x.c(), x.c()),
        Weight.vector(prefix + name + ".bias", x.c()),
        options);
  }

  private Value selfAttention(GraphBuilder graph, String name, Value x, Value residual) {
    int channels = x.c();
    Value qkv = stacked(graph, name, x, channels, ".to_q", ".to_k", ".to_v");
    return attend(
        graph,
        name,
        qkv.slice(0, channels),
        qkv.slice(channels, channels),
        qkv.slice(2 * channels, channels),
        residual);
  }

  private Value crossAttention(
      GraphBuilder graph, String name, Value x, StackedLinear context, Value residual) {
    int channels = x.c();
    Value query = stacked(graph, name, x, channels, ".to_q");
    Value keyValue = context.apply(channels, name + ".to_k", name + ".to_v");
    return attend(
        graph,
        name,
        query,
        keyValue.slice(0, channels),
        keyValue.slice(channels, channels),
        residual);
  }

  private Value attend(
      GraphBuilder graph, String name, Value query, Value key, Value value, Value residual) {
    float scale = (float) (1 / Math.sqrt((double) query.c() / heads));
    Value attended = graph.attention(query, key, value, heads, scale, false);
    return graph.linear(
        name + ".to_out.0", attended, residual.c(), LinearOptions.PLAIN.residual(residual, 1f));
  }

  private static Value stacked(
      GraphBuilder graph, String name, Value x, int channels, String... layers) {
    List<String> names = Stream.of(layers).map(layer -> name + layer + ".weight").toList();
    return graph.linear(
        x,
        Weight.linear(names, names.stream().map(n -> channels).toList(), x.c()),
        null,
        LinearOptions.PLAIN);
  }
}
