package io.diffuse4j.core.model;

import io.diffuse4j.core.op.GraphBuilder;
import io.diffuse4j.core.op.GraphBuilder.ConvOptions;
import io.diffuse4j.core.op.Op.Padding;
import io.diffuse4j.core.op.Value;

/** The convolutions between resolutions. */
final class Resampler {
  private Resampler() {}

  /** A 3x3 convolution of stride 2; padding 0 means a row below and a column to the right. */
  static Value down(GraphBuilder graph, String prefix, Value x, int padding) {
    Padding pad =
        padding == 0 ? new Padding(0, 0, 1, 1) : new Padding(padding, padding, padding, padding);
    return graph.conv2d(prefix, x, x.c(), 3, ConvOptions.PLAIN.stride(2, pad));
  }

  /** Nearest neighbour, twice the size, folded into the 3x3 convolution that follows. */
  static Value up(GraphBuilder graph, String prefix, Value x) {
    return graph.conv2d(prefix, x, x.c(), 3, ConvOptions.PLAIN.upsample(2));
  }
}
