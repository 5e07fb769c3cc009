package io.diffuse4j.core.cpu;

import io.diffuse4j.core.cpu.CpuOpFactory.NativeOp;
import io.diffuse4j.core.op.ArenaLayout;
import io.diffuse4j.core.op.DeviceBuffer;
import io.diffuse4j.core.op.Graph;
import io.diffuse4j.core.op.NativeStatus;
import io.diffuse4j.core.op.Op;
import io.diffuse4j.core.op.Plan;
import io.diffuse4j.core.op.Value;
import io.diffuse4j.natives.CpuOps;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A graph as a native list of bound ops: one call runs them all. */
final class CpuPlan implements Plan {
  private final ArenaLayout layout;
  private final List<NativeOp> ops;
  private final DeviceBuffer arena;
  private final Runnable runnable = this::run;
  private long plan;

  CpuPlan(long engine, CpuMemory memory, Graph graph, CpuWeights weights, boolean batchInvariant) {
    layout = ArenaLayout.of(graph);
    ops = lower(graph, new CpuOpFactory(engine, weights, batchInvariant));
    DeviceBuffer allocated = null;
    try {
      allocated = memory.allocate("the plan", layout.bytes() + scratchBytes(ops));
      bind(allocated.address(), allocated.address() + layout.bytes());
      long[] handles = ops.stream().mapToLong(NativeOp::handle).toArray();
      long[] created = new long[1];
      NativeStatus.check(
          "d4j_plan_create", CpuOps.d4j_plan_create(engine, handles, handles.length, created));
      plan = created[0];
      arena = allocated;
    } catch (Throwable t) {
      destroy(ops);
      if (allocated != null) {
        allocated.close();
      }
      throw t;
    }
  }

  /** The arena of a plan that is not made. */
  static long plannedBytes(long engine, Graph graph, CpuWeights declared, boolean batchInvariant) {
    List<NativeOp> ops = lower(graph, new CpuOpFactory(engine, declared, batchInvariant));
    try {
      return ArenaLayout.of(graph).bytes() + scratchBytes(ops);
    } finally {
      destroy(ops);
    }
  }

  /** Ops run one after the other and share one scratch. */
  private static long scratchBytes(List<NativeOp> ops) {
    long scratch = 0;
    for (NativeOp op : ops) {
      scratch = Math.max(scratch, op.scratchBytes());
    }
    return scratch;
  }

  /**
   * A convolution's embedding is added by the group norm behind it, where that alone reads the
   * convolution: oneDNN has no post-op for a vector per sample, and the norm reads every element
   * anyway.
   */
  private static List<NativeOp> lower(Graph graph, CpuOpFactory factory) {
    List<NativeOp> ops = new ArrayList<>();
    try {
      lower(graph, factory, ops);
      return ops;
    } catch (Throwable t) {
      destroy(ops);
      throw t;
    }
  }

  private static void lower(Graph graph, CpuOpFactory factory, List<NativeOp> ops) {
    Map<Integer, Integer> readers = new HashMap<>();
    for (Op op : graph.ops()) {
      op.inputs().forEach(v -> readers.merge(v.buffer(), 1, Integer::sum));
    }
    graph.outputs().values().forEach(v -> readers.merge(v.buffer(), 1, Integer::sum));
    List<Op> all = graph.ops();
    Value deferred = null;
    for (int i = 0; i < all.size(); i++) {
      Op op = all.get(i);
      ops.add(factory.create(op, deferred));
      deferred = null;
      if (op instanceof Op.Conv2d conv && conv.embedding() != null) {
        boolean normFollows =
            i + 1 < all.size()
                && all.get(i + 1) instanceof Op.GroupNorm norm
                && norm.source().equals(conv.output())
                && norm.skip() == null
                && readers.get(conv.output().buffer()) == 1
                && conv.residual() == null
                && conv.outputScale() == 1f;
        if (normFollows) {
          deferred = conv.embedding();
        } else if (conv.outputScale() == 1f) {
          ops.add(factory.addEmbedding(conv.output(), conv.embedding()));
        } else {
          throw new IllegalArgumentException(
              "an embedding and an output scale in " + conv.weight());
        }
      }
    }
  }

  private void bind(long base, long scratch) {
    for (NativeOp op : ops) {
      int count = op.operands().size() + (op.scratch() ? 1 : 0);
      long[] addresses = new long[count];
      for (int i = 0; i < op.operands().size(); i++) {
        Value value = op.operands().get(i);
        addresses[i] = value == null ? 0 : base + layout.offset(value);
      }
      if (op.scratch()) {
        addresses[count - 1] = scratch;
      }
      NativeStatus.check("d4j_op_bind", CpuOps.d4j_op_bind(op.handle(), addresses, count));
    }
  }

  @Override
  public long address(Value value) {
    return arena.address() + layout.offset(value);
  }

  @Override
  public DeviceBuffer arena() {
    return arena;
  }

  @Override
  public long offset(Value value) {
    return layout.offset(value);
  }

  /** {@link #run}, made once: running allocates nothing. */
  Runnable runnable() {
    return runnable;
  }

  /** Runs every op, on the compute thread. */
  void run() {
    NativeStatus.check("d4j_plan_run", CpuOps.d4j_plan_run(plan));
  }

  @Override
  public long bytes() {
    return arena.bytes();
  }

  private static void destroy(List<NativeOp> ops) {
    ops.forEach(op -> NativeStatus.check("d4j_op_destroy", CpuOps.d4j_op_destroy(op.handle())));
  }

  @Override
  public void close() {
    if (plan != 0) {
      NativeStatus.check("d4j_plan_destroy", CpuOps.d4j_plan_destroy(plan));
      plan = 0;
      destroy(ops);
      arena.close();
    }
  }
}
