package io.diffuse4j.core.model;

import io.diffuse4j.core.op.Activation;
import io.diffuse4j.core.op.GraphBuilder;
import io.diffuse4j.core.op.GraphBuilder.LinearOptions;
import io.diffuse4j.core.op.Value;

/** diffusers' TimestepEmbedding: linear, SiLU, linear. In f32, whatever the model computes in. */
final class TimeMlp {
  private TimeMlp() {}

  static Value build(GraphBuilder graph, String prefix, Value features, int dim) {
    return build(graph, prefix, features, null, dim);
  }

  /**
   * Appends the two layers.
   *
   * @param more features appended to the first, where they lie; may be null
   */
  static Value build(GraphBuilder graph, String prefix, Value features, Value more, int dim) {
    Value hidden =
        graph.linear(
            prefix + ".linear_1",
            features,
            dim,
            LinearOptions.PLAIN.source2(more).activation(Activation.SILU));
    return graph.linear(prefix + ".linear_2", hidden, dim, LinearOptions.PLAIN);
  }
}
