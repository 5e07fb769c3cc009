package io.diffuse4j.core.cuda;

import io.diffuse4j.core.op.Graph;
import io.diffuse4j.core.op.Op;
import io.diffuse4j.core.op.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A graph in which linear layers do what CUDA's can do for their neighbours: apply the GEGLU that
 * alone reads them, to interleaved outputs, and apply the SiLU that they alone read, to vectors.
 * Depends on the model alone, not on batch or image size.
 */
final class CudaFusion {
  private final Graph source;
  private final Map<Integer, List<Op>> readers = new HashMap<>();
  private final Map<Integer, Op> producers = new HashMap<>();
  private final Set<Op> geglus = new HashSet<>();
  private final Set<Op> silus = new HashSet<>();
  private final Graph fused;

  CudaFusion(Graph graph) {
    source = graph;
    for (Op op : graph.ops()) {
      producers.put(op.output().buffer(), op);
      for (Value input : op.inputs()) {
        readers.computeIfAbsent(input.buffer(), b -> new ArrayList<>()).add(op);
      }
    }
    List<Op> ops = new ArrayList<>();
    for (Op op : graph.ops()) {
      if (op instanceof Op.Linear linear) {
        ops.add(fuse(linear));
      } else if (!isAbsorbed(op)) {
        ops.add(op);
      }
    }
    fused = new Graph(ops, graph.buffers(), graph.inputs(), graph.outputs());
  }

  private Op fuse(Op.Linear linear) {
    Op.Geglu geglu = geglu(linear);
    Op.Map silu = silu(linear);
    Op.Linear all =
        new Op.Linear(
            silu == null ? linear.source() : silu.source(),
            linear.source2(),
            linear.weight(),
            linear.bias(),
            linear.residual(),
            linear.outputScale(),
            linear.activation(),
            geglu == null ? linear.output() : geglu.output());
    if (geglu != null) {
      geglus.add(all);
    }
    if (silu != null) {
      silus.add(all);
    }
    return all;
  }

  private boolean isAbsorbed(Op op) {
    if (op instanceof Op.Geglu geglu) {
      return producer(geglu.source()) instanceof Op.Linear linear && geglu.equals(geglu(linear));
    }
    return op instanceof Op.Map map
        && isOnlyRead(map.output())
        && reader(map.output()) instanceof Op.Linear linear
        && map.equals(silu(linear));
  }

  private Op.Geglu geglu(Op.Linear linear) {
    return linear.source2() == null
            && linear.residual() == null
            && isOnlyRead(linear.output())
            && reader(linear.output()) instanceof Op.Geglu geglu
            && geglu.source().equals(linear.output())
        ? geglu
        : null;
  }

  private Op.Map silu(Op.Linear linear) {
    return isVector(linear.source())
            && linear.source2() == null
            && isOnlyRead(linear.source())
            && producer(linear.source()) instanceof Op.Map map
            && map.function() == Op.Map.Function.SILU
            && map.output().equals(linear.source())
            && map.source().type() == map.output().type()
        ? map
        : null;
  }

  private Op producer(Value value) {
    return producers.get(value.buffer());
  }

  private Op reader(Value value) {
    return readers.get(value.buffer()).get(0);
  }

  private boolean isOnlyRead(Value value) {
    return readers.getOrDefault(value.buffer(), List.of()).size() == 1
        && source.outputs().values().stream().noneMatch(out -> out.buffer() == value.buffer());
  }

  /**
   * One vector a sample, and not an image of one pixel: at the size that weights are loaded for.
   */
  static boolean isVector(Value value) {
    return value.tokens() == 1;
  }

  /** The same computation in fewer ops. */
  Graph graph() {
    return fused;
  }

  /** Whether a linear layer of {@link #graph} applies GEGLU. */
  boolean appliesGeglu(Op.Linear linear) {
    return geglus.contains(linear);
  }

  /** Whether a linear layer of {@link #graph} applies SiLU to its source. */
  boolean appliesSilu(Op.Linear linear) {
    return silus.contains(linear);
  }
}
