package io.diffuse4j.core.cuda;

import io.diffuse4j.core.engine.NativeResource;
import io.diffuse4j.core.op.ArenaLayout;
import io.diffuse4j.core.op.DeviceBuffer;
import io.diffuse4j.core.op.Graph;
import io.diffuse4j.core.op.Plan;
import io.diffuse4j.core.op.Value;
import java.util.List;

/** A graph as launches with fixed addresses: one arena holds values, constants and scratch. */
final class CudaPlan implements Plan {
  /** Where the arena of a plan that is only measured seems to lie; aligned as the real one is. */
  private static final long NOWHERE = 1L << 41;

  private final ArenaLayout layout;
  private final CudaBuffer arena;
  private final CudaProgram program;
  private final ForeignOps foreign;
  private final CudaContext context;
  private CudaGraph graph;

  /**
   * Lays out and prepares a graph.
   *
   * @param foreign what our kernels do not compute; owned by the plan once it is made
   */
  CudaPlan(
      CudaContext context,
      CudaModules modules,
      CudaMemory memory,
      Graph source,
      CudaWeights weights,
      boolean batchInvariant,
      ForeignOps foreign) {
    this.context = context;
    this.foreign = foreign;
    CudaLowering lowering =
        new CudaLowering(source, weights, batchInvariant, foreign.needs().ops());
    layout = lowering.layout();
    Regions regions = regions(context, lowering, batchInvariant, foreign.needs().bytes());
    CudaBuffer allocated = memory.allocate("the plan", regions.bytes());
    CudaProgram lowered = null;
    try {
      long base = allocated.address();
      upload(allocated, regions, lowering.constants());
      lowered =
          new CudaProgram(
              context.multiprocessors(),
              modules,
              batchInvariant,
              base + regions.scratch,
              base + regions.counters);
      foreign.place(allocated, regions.foreign);
      CudaProgram launches = lowered;
      lowering.lower(
          lowered,
          base,
          base + regions.constants,
          (op, addresses) -> launches.insert(foreign.capture(context, op, addresses)));
      lowered.launches();
    } catch (Throwable t) {
      NativeResource.closeAll(lowered, allocated);
      throw t;
    }
    arena = allocated;
    program = lowered;
  }

  /** Byte offsets of the arena's parts; values come first. */
  private record Regions(long constants, long counters, long scratch, long foreign, long bytes) {}

  private static Regions regions(
      CudaContext context, CudaLowering lowering, boolean batchInvariant, long foreignBytes) {
    List<float[]> constants = lowering.constants();
    long counters =
        lowering.layout().bytes() + CudaLowering.constantOffset(constants, constants.size());
    try (CudaProgram measured =
        new CudaProgram(context.multiprocessors(), null, batchInvariant, NOWHERE, NOWHERE)) {
      lowering.lower(measured, NOWHERE, NOWHERE);
      long scratch = counters + CudaLowering.align(measured.counterBytes());
      long end = scratch + measured.scratchBytes();
      long foreign = foreignBytes == 0 ? end : CudaLowering.align(end);
      return new Regions(
          lowering.layout().bytes(), counters, scratch, foreign, foreign + foreignBytes);
    }
  }

  private static void upload(CudaBuffer arena, Regions regions, List<float[]> constants) {
    for (int i = 0; i < constants.size(); i++) {
      long offset = regions.constants + CudaLowering.constantOffset(constants, i);
      arena.upload(offset, constants.get(i), 0, constants.get(i).length);
    }
    int[] zeros = new int[Math.toIntExact((regions.scratch - regions.counters) / Integer.BYTES)];
    if (zeros.length > 0) {
      arena.upload(regions.counters, zeros, 0, zeros.length);
    }
  }

  /** The arena of a plan that is not made. */
  static long plannedBytes(
      CudaContext context,
      Graph graph,
      CudaWeights declared,
      boolean batchInvariant,
      ForeignOps.Needs foreign) {
    CudaLowering lowering = new CudaLowering(graph, declared, batchInvariant, foreign.ops());
    return regions(context, lowering, batchInvariant, foreign.bytes()).bytes();
  }

  CudaProgram program() {
    return program;
  }

  /** The plan alone as a graph, made when it is first needed. */
  CudaGraph graph() {
    if (graph == null) {
      graph = new CudaGraph(context, List.of(program));
    }
    return graph;
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

  @Override
  public long bytes() {
    return arena.bytes();
  }

  @Override
  public void close() {
    NativeResource.closeAll(graph, arena, program, foreign);
  }
}
