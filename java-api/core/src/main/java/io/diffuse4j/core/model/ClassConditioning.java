package io.diffuse4j.core.model;

import io.diffuse4j.core.op.ElementType;
import io.diffuse4j.core.op.GraphBuilder;
import io.diffuse4j.core.op.GraphBuilder.LinearOptions;
import io.diffuse4j.core.op.Value;
import io.diffuse4j.weights.ClassEmbedding;
import java.util.function.UnaryOperator;

/** The vector that a class label, or what stands in its place, adds to the time embedding. */
final class ClassConditioning {
  private static final String PREFIX = "class_embedding";

  private ClassConditioning() {}

  /**
   * Adds the graph input {@code class_labels}.
   *
   * @param size rows of the table, or the width of the vector that is projected
   * @param sinusoids the model's timestep features, of a scalar per sample
   * @return [n, 1, 1, dim]; null for a model without classes
   */
  static Value build(
      GraphBuilder graph,
      ClassEmbedding kind,
      int n,
      int size,
      int dim,
      UnaryOperator<Value> sinusoids) {
    return switch (kind) {
      case NONE -> null;
      case TABLE ->
          graph.embeddingLookup(PREFIX + ".weight", input(graph, n, 1, ElementType.I32), size, dim);
      case TIMESTEP ->
          TimeMlp.build(graph, PREFIX, sinusoids.apply(input(graph, n, 1, ElementType.F32)), dim);
      case IDENTITY -> input(graph, n, dim, ElementType.F32);
      case PROJECTION -> TimeMlp.build(graph, PREFIX, input(graph, n, size, ElementType.F32), dim);
      case SIMPLE_PROJECTION ->
          graph.linear(PREFIX, input(graph, n, size, ElementType.F32), dim, LinearOptions.PLAIN);
    };
  }

  private static Value input(GraphBuilder graph, int n, int width, ElementType type) {
    return graph.input("class_labels", n, 1, 1, width, type);
  }
}
