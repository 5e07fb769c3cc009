package io.diffuse4j.core.model;

import io.diffuse4j.core.op.GraphBuilder;
import io.diffuse4j.core.op.GraphBuilder.LinearOptions;
import io.diffuse4j.core.op.Value;
import io.diffuse4j.core.op.Weight;
import java.util.List;
import java.util.stream.Stream;

/**
 * The attention of pixel-space U-Nets: norm, one fused q, k, v projection with bias, attention over
 * the pixels, projection, residual.
 *
 * @param groups of the norm in front, 0 for none
 * @param headDim channels a head
 * @param outputScaleFactor the sum with the residual is divided by it
 */
record SelfAttentionBlock(
    String prefix, int groups, float epsilon, int headDim, float outputScaleFactor) {

  Value build(GraphBuilder graph, Value x) {
    int channels = x.c();
    Value h =
        groups == 0
            ? x
            : graph.groupNorm(prefix + ".group_norm", x, null, groups, epsilon, null, false);
    List<Integer> widths = List.of(channels, channels, channels);
    Value qkv =
        graph.linear(
            h,
            Weight.linear(names(".weight"), widths, channels),
            Weight.vector(names(".bias"), widths),
            LinearOptions.PLAIN);
    Value attended =
        graph.attention(
            qkv.slice(0, channels),
            qkv.slice(channels, channels),
            qkv.slice(2 * channels, channels),
            channels / headDim,
            (float) (1 / Math.sqrt(headDim)),
            false);
    return graph.linear(
        prefix + ".to_out.0",
        attended,
        channels,
        LinearOptions.PLAIN.residual(x, 1f / outputScaleFactor));
  }

  private List<String> names(String suffix) {
    return Stream.of(".to_q", ".to_k", ".to_v").map(n -> prefix + n + suffix).toList();
  }
}
