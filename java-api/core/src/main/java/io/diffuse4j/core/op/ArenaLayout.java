package io.diffuse4j.core.op;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Where each buffer of a graph lies in one arena, from liveness: two buffers share bytes when none
 * of them is needed while the other is. Inputs live for the whole run, so that a plan can be run
 * again with the same ones, and outputs from their op to the end.
 *
 * <p>Greedy by size (Pisarchyk and Lee, 2020): the largest buffers are placed first, each at the
 * lowest offset free during its life.
 */
public final class ArenaLayout {
  /** A cache line and a vector register, and what device copies want: 256 bytes. */
  private static final long ALIGNMENT = 256;

  private final long[] offsets;
  private final int values;
  private final long bytes;

  private ArenaLayout(long[] offsets, int values, long bytes) {
    this.offsets = offsets;
    this.values = values;
    this.bytes = bytes;
  }

  /**
   * A buffer that is no value of the graph: what one op leaves for others beside its output.
   *
   * @param first index of the op that writes it
   * @param last index of the last op that reads it
   */
  public record Side(int first, int last, long bytes) {}

  private record Life(int buffer, int first, int last, long bytes) {
    boolean overlaps(Life other) {
      return first <= other.last && other.first <= last;
    }
  }

  public static ArenaLayout of(Graph graph) {
    return of(graph, List.of());
  }

  public static ArenaLayout of(Graph graph, List<Side> sides) {
    List<Life> lives = lives(graph);
    int values = graph.buffers().size();
    for (int i = 0; i < sides.size(); i++) {
      Side side = sides.get(i);
      lives.add(new Life(values + i, side.first, side.last, align(side.bytes)));
    }
    lives.sort(Comparator.comparingLong(Life::bytes).reversed().thenComparingInt(Life::buffer));
    long[] offsets = new long[values + sides.size()];
    List<Life> placed = new ArrayList<>();
    long end = 0;
    for (Life life : lives) {
      long offset = lowestFree(life, placed, offsets);
      offsets[life.buffer] = offset;
      end = Math.max(end, offset + life.bytes);
      placed.add(life);
      placed.sort(Comparator.comparingLong(p -> offsets[p.buffer]));
    }
    return new ArenaLayout(offsets, values, end);
  }

  private static long lowestFree(Life life, List<Life> placedByOffset, long[] offsets) {
    long candidate = 0;
    for (Life other : placedByOffset) {
      if (other.overlaps(life)) {
        if (candidate + life.bytes <= offsets[other.buffer]) {
          return candidate;
        }
        candidate = Math.max(candidate, offsets[other.buffer] + other.bytes);
      }
    }
    return candidate;
  }

  private static List<Life> lives(Graph graph) {
    Map<Integer, int[]> spans = new HashMap<>();
    int steps = graph.ops().size();
    for (int step = 0; step < steps; step++) {
      Op op = graph.ops().get(step);
      touch(spans, op.output(), step);
      for (Value input : op.inputs()) {
        touch(spans, input, step);
      }
    }
    graph.inputs().values().forEach(v -> spans.put(v.buffer(), new int[] {0, steps}));
    graph.outputs().values().forEach(v -> touch(spans, v, steps));
    List<Life> lives = new ArrayList<>();
    spans.forEach(
        (buffer, span) ->
            lives.add(
                new Life(buffer, span[0], span[1], align(graph.buffers().get(buffer).bytes()))));
    return lives;
  }

  private static void touch(Map<Integer, int[]> spans, Value value, int step) {
    spans.merge(
        value.buffer(),
        new int[] {step, step},
        (old, now) -> new int[] {Math.min(old[0], step), Math.max(old[1], step)});
  }

  private static long align(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  /** Byte offset of the value's first element. */
  public long offset(Value value) {
    return offsets[value.buffer()] + (long) value.channelOffset() * value.type().bytes();
  }

  /** Byte offset of the side buffer with this index. */
  public long sideOffset(int index) {
    return offsets[values + index];
  }

  /** Size of the arena. */
  public long bytes() {
    return bytes;
  }
}
