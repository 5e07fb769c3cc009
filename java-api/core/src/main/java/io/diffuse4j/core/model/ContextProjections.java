package io.diffuse4j.core.model;

import io.diffuse4j.core.op.GraphBuilder;
import io.diffuse4j.core.op.GraphBuilder.LinearOptions;
import io.diffuse4j.core.op.Value;
import io.diffuse4j.core.op.Weight;
import java.util.ArrayList;
import java.util.List;

/**
 * The keys and values that cross-attentions take from the context, stacked into one linear layer:
 * its rows are few, so that each block's alone is too small to fill a device.
 *
 * <p>As with {@link TimeProjections}, a graph is built twice: first with {@link #recording}, then
 * with {@link #of} what was recorded.
 */
final class ContextProjections {
  private final Value context;
  private final Value stacked;
  private final List<String> weights = new ArrayList<>();
  private final List<Integer> widths = new ArrayList<>();
  private int offset;

  private ContextProjections(Value context, Value stacked) {
    this.context = context;
    this.stacked = stacked;
  }

  /** Collects the layers, and applies each alone meanwhile. */
  static ContextProjections recording(Value context) {
    return new ContextProjections(context, null);
  }

  /** One linear layer for all that {@code recorded} collected. */
  static ContextProjections of(ContextProjections recorded, GraphBuilder graph, Value context) {
    return recorded.weights.isEmpty()
        ? recording(context)
        : new ContextProjections(
            context, linear(graph, context, recorded.weights, recorded.widths));
  }

  /** The keys, then the values of attention {@code name}, {@code width} channels a token each. */
  Value project(GraphBuilder graph, String name, int width) {
    List<String> own = List.of(name + ".to_k.weight", name + ".to_v.weight");
    List<Integer> ownWidths = List.of(width, width);
    if (stacked == null) {
      weights.addAll(own);
      widths.addAll(ownWidths);
      return linear(graph, context, own, ownWidths);
    }
    Value slice = stacked.slice(offset, 2 * width);
    offset += 2 * width;
    return slice;
  }

  private static Value linear(
      GraphBuilder graph, Value context, List<String> weights, List<Integer> widths) {
    return graph.linear(
        context, Weight.linear(weights, widths, context.c()), null, LinearOptions.PLAIN);
  }
}
