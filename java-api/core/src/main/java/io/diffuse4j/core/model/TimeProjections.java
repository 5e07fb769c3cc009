package io.diffuse4j.core.model;

import io.diffuse4j.core.op.GraphBuilder;
import io.diffuse4j.core.op.GraphBuilder.LinearOptions;
import io.diffuse4j.core.op.Value;
import io.diffuse4j.core.op.Weight;
import java.util.ArrayList;
import java.util.List;

/**
 * The {@code time_emb_proj} layers of every resnet block, stacked into one linear layer: a U-Net
 * has some twenty of them, each too small to be worth a launch.
 *
 * <p>Which blocks there are is known only once the graph has been walked, so a graph is built
 * twice: first with {@link #recording()}, then with {@link #of} what was recorded.
 */
final class TimeProjections {
  private final List<String> prefixes = new ArrayList<>();
  private final List<Integer> widths = new ArrayList<>();
  private final Value stacked;
  private int offset;

  private TimeProjections(Value stacked) {
    this.stacked = stacked;
  }

  /** Collects the layers; the slices it hands out are null. */
  static TimeProjections recording() {
    return new TimeProjections(null);
  }

  /** One linear layer over SiLU of the time embedding, for all that {@code recorded} collected. */
  static TimeProjections of(TimeProjections recorded, GraphBuilder graph, Value embedding) {
    Value active = graph.silu(embedding);
    List<String> weights = recorded.prefixes.stream().map(p -> p + ".weight").toList();
    List<String> biases = recorded.prefixes.stream().map(p -> p + ".bias").toList();
    return new TimeProjections(
        graph.linear(
            active,
            Weight.linear(weights, recorded.widths, embedding.c()),
            Weight.vector(biases, recorded.widths),
            LinearOptions.PLAIN));
  }

  /** The projection of the block's layer {@code prefix}, {@code width} channels per sample. */
  Value project(String prefix, int width) {
    prefixes.add(prefix);
    widths.add(width);
    if (stacked == null) {
      return null;
    }
    Value slice = stacked.slice(offset, width);
    offset += width;
    return slice;
  }
}
