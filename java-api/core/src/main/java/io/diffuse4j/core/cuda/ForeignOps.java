package io.diffuse4j.core.cuda;

import io.diffuse4j.core.engine.NativeResource;
import io.diffuse4j.core.op.Op;
import io.diffuse4j.core.op.Weight;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The ops of one plan that foreign kernels compute. They have a part of the plan's memory: a plain
 * filter for each convolution, beside the packed one that other plans may read, and one workspace
 * for all.
 */
final class ForeignOps implements AutoCloseable {
  private final String library;
  private final Map<Op, ForeignKernel> kernels;
  private final CudaWeights weights;
  private final Needs needs;
  private final List<CapturedGraph> captured = new ArrayList<>();
  private CudaBuffer memory;
  private long base;

  /**
   * Which ops of a plan are foreign, and what that takes.
   *
   * @param filters byte offsets of plain filters
   * @param workspace byte offset of the workspace, behind them
   */
  record Needs(Set<Op> ops, Map<Weight, Long> filters, long workspace, long bytes) {
    static final Needs NONE = new Needs(Set.of(), Map.of(), 0, 0);

    /** Lays the memory out. */
    static Needs of(Set<Op> ops, CudaWeights weights, long workspaceBytes) {
      Map<Weight, Long> filters = new LinkedHashMap<>();
      long end = 0;
      for (Op op : ops) {
        if (op instanceof Op.Conv2d conv && !filters.containsKey(conv.weight())) {
          filters.put(conv.weight(), end);
          end +=
              CudaLowering.align(
                  CudaWeights.plainBytes(
                      conv.weight(), CudaTypes.multiplied(weights.dtype(), conv.source().type())));
        }
      }
      return new Needs(ops, filters, end, end + CudaLowering.align(workspaceBytes));
    }
  }

  /**
   * Owns the kernels.
   *
   * @param kernels several ops of one shape may share one
   */
  ForeignOps(String library, Map<Op, ForeignKernel> kernels, CudaWeights weights) {
    this.library = library;
    this.kernels = new HashMap<>(kernels);
    this.weights = weights;
    long workspace = 0;
    for (ForeignKernel kernel : kernels.values()) {
      workspace = Math.max(workspace, kernel.workspaceBytes());
    }
    needs = Needs.of(new LinkedHashSet<>(kernels.keySet()), weights, workspace);
  }

  /** Of a plan of our kernels alone. */
  static ForeignOps none() {
    return new ForeignOps("", Map.of(), null);
  }

  Needs needs() {
    return needs;
  }

  boolean isEmpty() {
    return kernels.isEmpty();
  }

  /** Takes its place in a plan's memory and writes the filters there. */
  void place(CudaBuffer arena, long offset) {
    memory = arena;
    base = offset;
    needs.filters.forEach(
        (filter, within) -> weights.copyPlain(filter, arena, Math.addExact(offset, within)));
  }

  /** An op as a graph; owned by this. */
  CapturedGraph capture(CudaContext context, Op op, long[] addresses) {
    long start = memory.address() + base;
    if (op instanceof Op.Conv2d conv) {
      addresses[1] = start + needs.filters.get(conv.weight());
    }
    ForeignKernel kernel = kernels.get(op);
    String name = library + (op instanceof Op.Conv2d ? " convolution" : " attention");
    CapturedGraph graph =
        new CapturedGraph(
            context, name, stream -> kernel.enqueue(stream, addresses, start + needs.workspace));
    captured.add(graph);
    return graph;
  }

  @Override
  public void close() {
    List<AutoCloseable> all = new ArrayList<>(captured);
    all.addAll(new LinkedHashSet<>(kernels.values()));
    captured.clear();
    kernels.clear();
    NativeResource.closeAll(all.toArray(AutoCloseable[]::new));
  }
}
