package io.diffuse4j.core.model;

import io.diffuse4j.core.op.Activation;
import io.diffuse4j.core.op.GraphBuilder;
import io.diffuse4j.core.op.GraphBuilder.ConvOptions;
import io.diffuse4j.core.op.Op.Padding;
import io.diffuse4j.core.op.Value;

/**
 * The residual block of DDPM and ADM: norm, SiLU, conv, time embedding, norm, SiLU, conv, shortcut.
 *
 * @param prefix of its tensors' names
 * @param outputs channels
 * @param groups of both norms
 * @param scaleShift the time embedding scales and shifts the second norm (ADM's FiLM) instead of
 *     being added before it
 * @param outputScaleFactor the sum with the shortcut is divided by it
 * @param resampling inside the block, before its first convolution
 */
record ResnetBlock(
    String prefix,
    int outputs,
    int groups,
    float epsilon,
    boolean scaleShift,
    float outputScaleFactor,
    Resampling resampling) {

  /** How a block changes the resolution. */
  enum Resampling {
    NONE,
    /** 2x2 average pooling. */
    DOWN,
    /** Nearest neighbour, twice the size. */
    UP
  }

  /**
   * Appends the block.
   *
   * @param skip concatenated to {@code x} along the channels, where it lies; may be null
   */
  Value build(GraphBuilder graph, StackedLinear time, Value x, Value skip) {
    int channels = x.c() + (skip == null ? 0 : skip.c());
    Value h = graph.groupNorm(prefix + ".norm1", x, skip, groups, epsilon, null, true);
    ConvOptions first = ConvOptions.PLAIN;
    if (resampling == Resampling.DOWN) {
      h = graph.averagePool(h);
    } else if (resampling == Resampling.UP) {
      first = first.upsample(2);
    }
    Value projection = time.apply(scaleShift ? 2 * outputs : outputs, prefix + ".time_emb_proj");
    if (!scaleShift) {
      first = first.embedding(projection);
    }
    h = graph.conv2d(prefix + ".conv1", h, outputs, 3, first);
    h =
        graph.groupNorm(
            prefix + ".norm2", h, null, groups, epsilon, scaleShift ? projection : null, true);
    Value shortcut = shortcut(graph, x, skip, channels);
    return graph.conv2d(
        prefix + ".conv2",
        h,
        outputs,
        3,
        ConvOptions.PLAIN.residual(shortcut, 1f / outputScaleFactor));
  }

  private Value shortcut(GraphBuilder graph, Value x, Value skip, int channels) {
    if (channels != outputs) {
      ConvOptions options = ConvOptions.PLAIN.stride(1, Padding.NONE).activation(Activation.NONE);
      if (resampling == Resampling.DOWN) {
        x = graph.averagePool(x);
        skip = skip == null ? null : graph.averagePool(skip);
      } else if (resampling == Resampling.UP) {
        options = options.upsample(2);
      }
      return graph.conv2d(prefix + ".conv_shortcut", x, outputs, 1, options.skip(skip));
    }
    Value whole = skip == null ? x : graph.concat(x, skip);
    return switch (resampling) {
      case NONE -> whole;
      case DOWN -> graph.averagePool(whole);
      case UP -> graph.upsampleNearest(whole);
    };
  }
}
