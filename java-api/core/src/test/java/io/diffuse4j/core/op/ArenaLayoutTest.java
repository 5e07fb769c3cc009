package io.diffuse4j.core.op;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ArenaLayoutTest {
  @Test
  void noOpOverwritesWhatALaterOneReads() {
    for (int seed = 0; seed < 200; seed++) {
      Graph graph = randomGraph(new Random(seed));
      ArenaLayout layout = ArenaLayout.of(graph);
      // Owner of each 4-byte cell after every step; a reader must find its buffer intact.
      Map<Long, Integer> owner = new HashMap<>();
      graph.inputs().values().forEach(v -> write(owner, layout, v));
      for (Op op : graph.ops()) {
        for (Value input : op.inputs()) {
          assertIntact(owner, layout, input, seed);
        }
        write(owner, layout, op.output());
        for (Value input : op.inputs()) {
          assertIntact(owner, layout, input, seed);
        }
      }
      graph.outputs().values().forEach(v -> assertIntact(owner, layout, v, -1));
      graph.inputs().values().forEach(v -> assertIntact(owner, layout, v, -1));
    }
  }

  @Test
  void aChainNeedsTwoBuffersBesideItsInput() {
    GraphBuilder builder = new GraphBuilder(ElementType.F32);
    Value x = builder.input("x", 1, 8, 8, 16, ElementType.F32);
    for (int i = 0; i < 20; i++) {
      x = builder.silu(x);
    }
    builder.output("y", x);
    assertEquals(3 * 8 * 8 * 16 * 4, ArenaLayout.of(builder.build()).bytes());
  }

  private static Graph randomGraph(Random random) {
    GraphBuilder builder = new GraphBuilder(ElementType.F32);
    List<Value> values = new ArrayList<>();
    values.add(builder.input("x", 1, 4, 4, 4, ElementType.F32));
    for (int i = 0; i < 30; i++) {
      Value a = values.get(random.nextInt(values.size()));
      switch (random.nextInt(3)) {
        case 0 -> values.add(builder.silu(a));
        case 1 -> values.add(a.c() <= 64 ? builder.concat(a, a) : builder.silu(a));
        default -> values.add(a.h() >= 2 ? builder.averagePool(a) : builder.upsampleNearest(a));
      }
    }
    builder.output("y", values.get(values.size() - 1));
    builder.output("z", values.get(random.nextInt(values.size() - 1) + 1));
    return builder.build();
  }

  private static void write(Map<Long, Integer> owner, ArenaLayout layout, Value value) {
    forEachCell(layout, value, cell -> owner.put(cell, value.buffer()));
  }

  private static void assertIntact(
      Map<Long, Integer> owner, ArenaLayout layout, Value value, int seed) {
    forEachCell(
        layout,
        value,
        cell ->
            assertTrue(
                owner.getOrDefault(cell, -1) == value.buffer(),
                () -> "graph " + seed + ": buffer " + value.buffer() + " was overwritten"));
  }

  private static void forEachCell(
      ArenaLayout layout, Value value, java.util.function.LongConsumer consumer) {
    for (int row = 0; row < value.rows(); row++) {
      for (int c = 0; c < value.c(); c++) {
        consumer.accept(layout.offset(value) / 4 + (long) row * value.rowStride() + c);
      }
    }
  }
}
