package io.diffuse4j.core.cuda;

import io.diffuse4j.core.op.Activation;
import io.diffuse4j.core.op.ElementType;
import io.diffuse4j.core.op.Graph;
import io.diffuse4j.core.op.Op;
import io.diffuse4j.core.op.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A graph in which ops do what CUDA's can do for their neighbours: linear layers apply the GEGLU
 * that alone reads them, to interleaved outputs, and the SiLU that they alone read, to vectors;
 * convolutions take in the 1x1 shortcut that alone they add. Depends on the model alone, not on
 * batch or image size.
 */
final class CudaFusion {
  private static final int CHUNK_BYTES = 16;

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
      } else if (op instanceof Op.Conv2d conv && shortcut(conv) != null) {
        ops.add(fuse(conv, shortcut(conv)));
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

  private static Op.Conv2d fuse(Op.Conv2d conv, Op.Conv2d shortcut) {
    return new Op.Conv2d(
        conv.source(),
        conv.skip(),
        conv.weight(),
        conv.bias(),
        conv.stride(),
        conv.padding(),
        conv.upsample(),
        conv.embedding(),
        null,
        conv.outputScale(),
        conv.activation(),
        shortcut,
        conv.output());
  }

  private boolean isAbsorbed(Op op) {
    if (op instanceof Op.Conv2d shortcut) {
      return isOnlyRead(shortcut.output())
          && reader(shortcut.output()) instanceof Op.Conv2d conv
          && shortcut.equals(shortcut(conv));
    }
    if (op instanceof Op.Geglu geglu) {
      return producer(geglu.source()) instanceof Op.Linear linear && geglu.equals(geglu(linear));
    }
    return op instanceof Op.Map map
        && isOnlyRead(map.output())
        && reader(map.output()) instanceof Op.Linear linear
        && map.equals(silu(linear));
  }

  /** The 1x1 convolution that is the residual and nothing else; null if that is another op. */
  private Op.Conv2d shortcut(Op.Conv2d conv) {
    Value sum = conv.residual();
    return sum != null
            && isOnlyRead(sum)
            && producer(sum) instanceof Op.Conv2d shortcut
            && shortcut.output().equals(sum)
            && shortcut.weight().kernelH() * shortcut.weight().kernelW() == 1
            && shortcut.stride() == 1
            && shortcut.padding().equals(Op.Padding.NONE)
            && shortcut.upsample() == 1
            && shortcut.embedding() == null
            && shortcut.residual() == null
            && shortcut.outputScale() == 1
            && shortcut.activation() == Activation.NONE
            && shortcut.bias() != null
            && conv.bias() != null
            && sum.type() == conv.source().type()
            && Stream.of(conv.source(), conv.skip(), shortcut.source(), shortcut.skip())
                .allMatch(source -> fillsChunks(source, conv.source().type()))
        ? shortcut
        : null;
  }

  /** Whether kernels read this source 16 bytes at a time. */
  private static boolean fillsChunks(Value source, ElementType type) {
    return source == null
        || (source.type() == type && source.c() * type.bytes() % CHUNK_BYTES == 0);
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
