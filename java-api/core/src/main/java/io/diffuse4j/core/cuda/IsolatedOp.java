package io.diffuse4j.core.cuda;

import io.diffuse4j.core.op.Graph;
import io.diffuse4j.core.op.Op;
import io.diffuse4j.core.op.Value;
import io.diffuse4j.natives.CudaOps;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One op of a graph as a graph of its own, to be measured. A convolution that leaves statistics for
 * a group norm comes with a norm of its output: foreign kernels leave none, and what their norm
 * takes longer counts.
 */
final class IsolatedOp {
  private final Graph source;
  private final List<Value> buffers = new ArrayList<>();
  private final Map<Integer, Integer> numbers = new HashMap<>();
  private final Map<String, Value> inputs = new LinkedHashMap<>();
  private final Op op;
  private final int groups;
  private final Graph graph;

  IsolatedOp(Graph source, Op original) {
    this.source = source;
    op = move(original);
    groups = normGroups(original);
    List<Op> ops = new ArrayList<>(List.of(op));
    Map<String, Value> outputs = new LinkedHashMap<>(Map.of("out", op.output()));
    for (Value input : op.inputs()) {
      inputs.put("in." + input.buffer(), buffers.get(input.buffer()));
    }
    if (groups > 0) {
      Value normed = add(op.output());
      ops.add(new Op.GroupNorm(op.output(), null, null, null, groups, 1e-5f, null, true, normed));
      outputs.put("normed", normed);
    }
    graph = new Graph(ops, buffers, inputs, outputs);
  }

  /** The op over the buffers of {@link #graph()}. */
  Op op() {
    return op;
  }

  Graph graph() {
    return graph;
  }

  /** What decides how long it takes, as a line of text. */
  String shape() {
    String text = op instanceof Op.Conv2d conv ? shape(conv) : shape((Op.Attention) op);
    return groups > 0 ? text + ", then norm of " + groups + " groups" : text;
  }

  private static String shape(Op.Conv2d conv) {
    return "convolution "
        + extent(conv.source())
        + " to "
        + extent(conv.output())
        + ", filter "
        + conv.weight().kernelH()
        + "x"
        + conv.weight().kernelW()
        + ", stride "
        + conv.stride()
        + ", padding "
        + conv.padding().top()
        + " "
        + conv.padding().left()
        + " "
        + conv.padding().bottom()
        + " "
        + conv.padding().right()
        + (conv.bias() == null ? "" : ", bias")
        + (conv.embedding() == null ? "" : ", embedding")
        + (conv.residual() == null ? "" : ", residual")
        + (conv.outputScale() == 1 ? "" : ", scale " + conv.outputScale())
        + ", activation "
        + conv.activation();
  }

  private static String shape(Op.Attention attention) {
    return "attention "
        + extent(attention.query())
        + " over "
        + extent(attention.key())
        + ", heads "
        + attention.heads()
        + ", strides "
        + attention.query().rowStride()
        + " "
        + attention.key().rowStride()
        + " "
        + attention.value().rowStride()
        + " "
        + attention.output().rowStride()
        + ", scale "
        + attention.scale()
        + (attention.causal() ? ", causal" : "");
  }

  private static String extent(Value value) {
    return value.type() + " " + value.n() + "x" + value.h() + "x" + value.w() + "x" + value.c();
  }

  private Value add(Value like) {
    Value added =
        new Value(buffers.size(), like.n(), like.h(), like.w(), like.c(), 0, like.c(), like.type());
    buffers.add(added);
    return added;
  }

  private Value move(Value value) {
    if (value == null) {
      return null;
    }
    Value whole = source.buffers().get(value.buffer());
    Integer known = numbers.get(value.buffer());
    int number = known == null ? buffers.size() : known;
    if (known == null) {
      numbers.put(value.buffer(), number);
      buffers.add(
          new Value(
              number, whole.n(), whole.h(), whole.w(), whole.c(), 0, whole.c(), whole.type()));
    }
    return new Value(
        number,
        value.n(),
        value.h(),
        value.w(),
        value.c(),
        value.channelOffset(),
        value.rowStride(),
        value.type());
  }

  private Op move(Op original) {
    if (original instanceof Op.Conv2d conv) {
      return new Op.Conv2d(
          move(conv.source()),
          null,
          conv.weight(),
          conv.bias(),
          conv.stride(),
          conv.padding(),
          conv.upsample(),
          move(conv.embedding()),
          move(conv.residual()),
          conv.outputScale(),
          conv.activation(),
          null,
          move(conv.output()));
    }
    Op.Attention attention = (Op.Attention) original;
    return new Op.Attention(
        move(attention.query()),
        move(attention.key()),
        move(attention.value()),
        attention.heads(),
        attention.scale(),
        attention.causal(),
        move(attention.output()));
  }

  /** Groups of the norm that reads the statistics of an op's output; 0 if none does. */
  private int normGroups(Op original) {
    Value out = original.output();
    if (!(original instanceof Op.Conv2d)
        || CudaOps.d4j_cuda_statistics_bytes(out.n(), out.tokens(), out.c()) == 0) {
      return 0;
    }
    for (Op reader : source.ops()) {
      if (reader instanceof Op.GroupNorm norm
          && (norm.source().equals(out) || out.equals(norm.skip()))) {
        // Groups over two sources may not divide one of them: how many they are costs nothing.
        return out.c() % norm.groups() == 0 ? norm.groups() : 1;
      }
    }
    return 0;
  }
}
