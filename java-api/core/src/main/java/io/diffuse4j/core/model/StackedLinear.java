package io.diffuse4j.core.model;

import io.diffuse4j.core.op.GraphBuilder;
import io.diffuse4j.core.op.GraphBuilder.LinearOptions;
import io.diffuse4j.core.op.Value;
import io.diffuse4j.core.op.Weight;
import java.util.ArrayList;
import java.util.List;

/**
 * Layers all over a network that have the same input, as one linear layer: a U-Net projects its
 * time embedding in some twenty resnet blocks, and takes keys and values from its context in as
 * many attentions, each too small to fill a device.
 *
 * <p>Which layers there are is known only once the graph has been walked, so a graph is built
 * twice. The first time {@code layers} is empty: each is applied alone, and added. The second time
 * all of them are there.
 */
final class StackedLinear {
  /** One of the layers. */
  record Layer(String name, int width) {}

  private final GraphBuilder graph;
  private final Value input;
  private final boolean biased;
  private final List<Layer> layers;
  private final Value stacked;
  private int offset;

  StackedLinear(GraphBuilder graph, Value input, boolean biased, List<Layer> layers) {
    this.graph = graph;
    this.input = input;
    this.biased = biased;
    this.layers = layers;
    stacked = layers.isEmpty() ? null : linear(layers);
  }

  /** The outputs of these layers side by side, {@code width} channels each. */
  Value apply(int width, String... names) {
    if (stacked == null) {
      List<Layer> own = new ArrayList<>();
      for (String name : names) {
        own.add(new Layer(name, width));
      }
      layers.addAll(own);
      return linear(own);
    }
    Value slice = stacked.slice(offset, names.length * width);
    offset += names.length * width;
    return slice;
  }

  private Value linear(List<Layer> these) {
    List<Integer> widths = these.stream().map(Layer::width).toList();
    List<String> weights = these.stream().map(l -> l.name() + ".weight").toList();
    List<String> biases = these.stream().map(l -> l.name() + ".bias").toList();
    return graph.linear(
        input,
        Weight.linear(weights, widths, input.c()),
        biased ? Weight.vector(biases, widths) : null,
        LinearOptions.PLAIN);
  }
}
