package io.diffuse4j.junit.isa;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.diffuse4j.junit.DeviceArray;
import io.diffuse4j.junit.LaunchShape;
import io.diffuse4j.junit.VirtualGpu;
import io.diffuse4j.junit.VirtualGpuExtension;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.IntBinaryOperator;
import java.util.function.IntUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** PTX ISA: shfl.sync, vote.sync, match.sync, redux.sync, and atomics on one contended word. */
@ExtendWith(VirtualGpuExtension.class)
class WarpOpcodeTest {
  private static final int LANES = 32;
  private static final int[] MASKS = {
    -1, 0x0000ffff, 0x55555555, 0x80000001, 1, 0xfff00000, 0xaaaaaaa0
  };
  private static final int NOT_EXECUTED = 0x7eadbeef;

  private static final List<String> REDUCTIONS =
      List.of(
          "add.u32", "add.s32", "min.s32", "max.s32", "min.u32", "max.u32", "and.b32", "or.b32",
          "xor.b32");

  static Stream<Form> forms() {
    String registers = "  .reg .pred %p, %q; .reg .b32 %d, %a, %x; .reg .b64 %w;\n";
    List<String> list = new ArrayList<>();
    for (String mode : List.of("up", "down", "bfly", "idx")) {
      list.add("shfl.sync." + mode + ".b32 %d|%p, %a, 1, 0, -1");
    }
    for (String mode : List.of("all", "any", "uni")) {
      list.add("vote.sync." + mode + ".pred %q, %p, -1");
    }
    list.add("vote.sync.ballot.b32 %d, %p, -1");
    for (String mode : List.of("any", "all")) {
      list.add("match." + mode + ".sync.b32 %d, %a, -1");
      list.add("match." + mode + ".sync.b64 %d, %w, -1");
    }
    REDUCTIONS.forEach(r -> list.add("redux.sync." + r + " %d, %a, -1"));
    list.add("elect.sync %d|%p, -1");
    list.add("activemask.b32 %d");
    return list.stream().map(i -> new Form(registers, i));
  }

  /** The ISA's pseudo code: j is compared with maxLane, or minLane going up. */
  @Test
  void shufflesReadTheLaneOfTheirMode(VirtualGpu gpu) {
    int[] values = random(1);
    for (String mode : new String[] {"up", "down", "bfly", "idx"}) {
      for (int b : new int[] {0, 1, 5, 16, 31}) {
        for (int segment : new int[] {0, 16, 24, 28, 31}) {
          for (int clamp : new int[] {0, 7, 15, 31}) {
            int c = segment << 8 | clamp;
            int[] shuffled =
                run(
                    gpu,
                    values,
                    -1,
                    "shfl.sync." + mode + ".b32 %d|%p, %a, " + b + ", " + c + ", 0xffffffff;");
            int[] inRange =
                run(
                    gpu,
                    values,
                    -1,
                    "shfl.sync."
                        + mode
                        + ".b32 %x|%p, %a, "
                        + b
                        + ", "
                        + c
                        + ", 0xffffffff; selp.b32 %d, 1, 0, %p;");
            assertArrayEquals(
                lanes(l -> values[inRange(mode, l, b, c) ? source(mode, l, b, c) : l]),
                shuffled,
                mode + " " + b + " " + c);
            assertArrayEquals(
                lanes(l -> inRange(mode, l, b, c) ? 1 : 0), inRange, mode + " " + b + " " + c);
          }
        }
      }
    }
  }

  @Test
  void votesCountOnlyTheLanesOfTheMask(VirtualGpu gpu) {
    for (int[] values : new int[][] {random(2), new int[LANES], filled(1)}) {
      for (int mask : MASKS) {
        int ballot = 0;
        for (int l = 0; l < LANES; l++) {
          ballot |= (mask >>> l & values[l] & 1) << l;
        }
        int votes = ballot;
        String predicate = "and.b32 %x, %a, 1; setp.ne.b32 %p, %x, 0; ";
        String select = "; selp.b32 %d, 1, 0, %q;";
        assertArrayEquals(
            masked(mask, l -> votes),
            run(gpu, values, mask, predicate + "vote.sync.ballot.b32 %d, %p, " + mask + ";"));
        assertArrayEquals(
            masked(mask, l -> votes == mask ? 1 : 0),
            run(gpu, values, mask, predicate + "vote.sync.all.pred %q, %p, " + mask + select));
        assertArrayEquals(
            masked(mask, l -> votes != 0 ? 1 : 0),
            run(gpu, values, mask, predicate + "vote.sync.any.pred %q, %p, " + mask + select));
        assertArrayEquals(
            masked(mask, l -> (votes == mask || votes == 0) ? 1 : 0),
            run(gpu, values, mask, predicate + "vote.sync.uni.pred %q, %p, " + mask + select));
        assertArrayEquals(
            masked(mask, l -> mask & ~votes),
            run(gpu, values, mask, predicate + "vote.sync.ballot.b32 %d, !%p, " + mask + ";"));
        assertArrayEquals(
            masked(mask, l -> votes == 0 ? 1 : 0),
            run(gpu, values, mask, predicate + "vote.sync.all.pred %q, !%p, " + mask + select));
        assertArrayEquals(
            masked(mask, l -> votes != mask ? 1 : 0),
            run(gpu, values, mask, predicate + "vote.sync.any.pred %q, !%p, " + mask + select));
      }
    }
  }

  @Test
  void matchFindsEqualValuesAmongTheMask(VirtualGpu gpu) {
    for (int[] values : new int[][] {lanes(l -> l % 5), filled(9)}) {
      for (int mask : MASKS) {
        IntUnaryOperator peers =
            l -> {
              int found = 0;
              for (int k = 0; k < LANES; k++) {
                found |= ((mask >>> k & 1) == 1 && values[k] == values[l]) ? 1 << k : 0;
              }
              return found;
            };
        assertArrayEquals(
            masked(mask, peers),
            run(gpu, values, mask, "match.any.sync.b32 %d, %a, " + mask + ";"));
        assertArrayEquals(
            masked(mask, l -> peers.applyAsInt(l) == mask ? mask : 0),
            run(gpu, values, mask, "match.all.sync.b32 %d|%p, %a, " + mask + ";"));
        // Values that differ in their upper halves only, and the result without its predicate.
        String wide = "mov.b64 %w, {%mask, %a}; ";
        assertArrayEquals(
            masked(mask, peers),
            run(gpu, values, mask, wide + "match.any.sync.b64 %d, %w, " + mask + ";"));
        assertArrayEquals(
            masked(mask, l -> peers.applyAsInt(l) == mask ? mask : 0),
            run(gpu, values, mask, wide + "match.all.sync.b64 %d, %w, " + mask + ";"));
        assertArrayEquals(
            masked(mask, l -> peers.applyAsInt(l) == mask ? 1 : 0),
            run(
                gpu,
                values,
                mask,
                "match.all.sync.b32 %x|%p, %a, " + mask + "; selp.b32 %d, 1, 0, %p;"));
      }
    }
  }

  @Test
  void reductionsCombineTheLanesOfTheMask(VirtualGpu gpu) {
    int[] values = random(3);
    for (int mask : MASKS) {
      reduction(gpu, values, mask, "add.u32", Integer::sum);
      reduction(gpu, values, mask, "add.s32", Integer::sum);
      reduction(gpu, values, mask, "min.s32", Math::min);
      reduction(gpu, values, mask, "max.s32", Math::max);
      reduction(gpu, values, mask, "min.u32", (x, y) -> Integer.compareUnsigned(x, y) < 0 ? x : y);
      reduction(gpu, values, mask, "max.u32", (x, y) -> Integer.compareUnsigned(x, y) > 0 ? x : y);
      reduction(gpu, values, mask, "and.b32", (x, y) -> x & y);
      reduction(gpu, values, mask, "or.b32", (x, y) -> x | y);
      reduction(gpu, values, mask, "xor.b32", (x, y) -> x ^ y);
    }
  }

  /** "elect.sync elects one leader"; which one is not defined, the virtual GPU's is the lowest. */
  @Test
  void oneLaneOfTheMaskIsElected(VirtualGpu gpu) {
    for (int mask : MASKS) {
      int leader = Integer.numberOfTrailingZeros(mask);
      int[] values = filled(0);
      assertArrayEquals(
          masked(mask, l -> leader), run(gpu, values, mask, "elect.sync %d|%p, " + mask + ";"));
      assertArrayEquals(
          masked(mask, l -> l == leader ? 1 : 0),
          run(gpu, values, mask, "elect.sync _|%p, " + mask + "; selp.b32 %d, 1, 0, %p;"));
    }
  }

  @Test
  void activemaskIsTheLanesThatAreThere(VirtualGpu gpu) {
    for (int mask : MASKS) {
      assertArrayEquals(masked(mask, l -> mask), run(gpu, filled(0), mask, "activemask.b32 %d;"));
    }
  }

  @Test
  void atomicsOnOneWordApplyEveryLaneOnce(VirtualGpu gpu) {
    int[] values = random(4);
    atomic(gpu, values, "add.u32", 17, Integer::sum);
    atomic(gpu, values, "add.s32", -5, Integer::sum);
    atomic(gpu, values, "min.s32", 0, Math::min);
    atomic(gpu, values, "max.s32", 0, Math::max);
    atomic(gpu, values, "min.u32", -1, (x, y) -> Integer.compareUnsigned(x, y) < 0 ? x : y);
    atomic(gpu, values, "max.u32", 0, (x, y) -> Integer.compareUnsigned(x, y) > 0 ? x : y);
    atomic(gpu, values, "and.b32", -1, (x, y) -> x & y);
    atomic(gpu, values, "or.b32", 0, (x, y) -> x | y);
    atomic(gpu, values, "xor.b32", 0x1234, (x, y) -> x ^ y);
    // "inc: old >= b ? 0 : old + 1; dec: old == 0 or old > b ? b : old - 1."
    int[] bound = filled(10);
    atomic(gpu, bound, "inc.u32", 3, (x, b) -> x >= b ? 0 : x + 1);
    atomic(gpu, bound, "dec.u32", 3, (x, b) -> (x == 0 || x > b) ? b : x - 1);
  }

  /** {@code atom} leaves what {@code red} leaves, and returns the value before each lane's turn. */
  private static void atomic(
      VirtualGpu gpu, int[] values, String op, int initial, IntBinaryOperator reference) {
    int expected = Arrays.stream(values).reduce(initial, reference);
    for (String space :
        new String[] {".global", "", ".relaxed.gpu.global", ".acq_rel.cta.global"}) {
      try (DeviceArray word = gpu.ints(initial);
          DeviceArray in = gpu.ints(values);
          DeviceArray out = gpu.ints(new int[LANES])) {
        String text = "atom" + space + "." + op + " %d, [%w], %a;";
        gpu.load(kernel(text)).kernel("warp").launch(LaunchShape.of(1, LANES), in, out, word, -1);
        assertArrayEquals(new int[] {expected}, word.toInts(), text);
        // The ISA leaves the order of the lanes open; the virtual GPU's is theirs, on every run.
        int[] old = out.toInts();
        int current = initial;
        for (int l = 0; l < LANES; l++) {
          assertArrayEquals(new int[] {current}, new int[] {old[l]}, text + " lane " + l);
          current = reference.applyAsInt(current, values[l]);
        }
      }
    }
    try (DeviceArray word = gpu.ints(initial);
        DeviceArray in = gpu.ints(values);
        DeviceArray out = gpu.ints(new int[LANES])) {
      String text = "red.global." + op + " [%w], %a; mov.b32 %d, 0;";
      gpu.load(kernel(text)).kernel("warp").launch(LaunchShape.of(1, LANES), in, out, word, -1);
      assertArrayEquals(new int[] {expected}, word.toInts(), text);
    }
  }

  private static void reduction(
      VirtualGpu gpu, int[] values, int mask, String op, IntBinaryOperator reference) {
    int expected =
        java.util.stream.IntStream.range(0, LANES)
            .filter(l -> (mask >>> l & 1) == 1)
            .map(l -> values[l])
            .reduce(reference)
            .getAsInt();
    assertArrayEquals(
        masked(mask, l -> expected),
        run(gpu, values, mask, "redux.sync." + op + " %d, %a, " + mask + ";"),
        op);
  }

  private static int source(String mode, int lane, int b, int c) {
    int segment = c >>> 8 & 0x1f;
    int lowest = lane & segment;
    return switch (mode) {
      case "up" -> lane - b;
      case "down" -> lane + b;
      case "bfly" -> lane ^ b;
      default -> lowest | (b & ~segment);
    };
  }

  private static boolean inRange(String mode, int lane, int b, int c) {
    int segment = c >>> 8 & 0x1f;
    int highest = (lane & segment) | (c & 0x1f & ~segment);
    int from = source(mode, lane, b, c);
    return mode.equals("up") ? from >= highest : from <= highest;
  }

  private static int[] run(VirtualGpu gpu, int[] values, int mask, String text) {
    try (DeviceArray in = gpu.ints(values);
        DeviceArray out = gpu.ints(filled(NOT_EXECUTED));
        DeviceArray word = gpu.ints(0)) {
      gpu.load(kernel(text)).kernel("warp").launch(LaunchShape.of(1, LANES), in, out, word, mask);
      return out.toInts();
    }
  }

  /** Only the lanes of {@code mask} get to the instruction. */
  private static String kernel(String text) {
    return """
        .version 8.7
        .target sm_80
        .address_size 64
        .visible .entry warp(.param .u64 in, .param .u64 out, .param .u64 word, .param .u32 mask)
        {
          .reg .b32 %lane, %a, %d, %x, %mask;
          .reg .b64 %from, %to, %w;
          .reg .pred %p, %q, %off;
          mov.u32 %lane, %tid.x;
          ld.param.u32 %mask, [mask];
          shr.u32 %mask, %mask, %lane;
          and.b32 %mask, %mask, 1;
          setp.eq.u32 %off, %mask, 0;
          @%off ret;
          ld.param.u64 %from, [in];
          ld.param.u64 %to, [out];
          ld.param.u64 %w, [word];
          mad.wide.u32 %from, %lane, 4, %from;
          mad.wide.u32 %to, %lane, 4, %to;
          ld.global.u32 %a, [%from];
          TEXT
          st.global.u32 [%to], %d;
          ret;
        }
        """
        .replace("TEXT", text);
  }

  private static int[] masked(int mask, IntUnaryOperator value) {
    return lanes(l -> (mask >>> l & 1) == 1 ? value.applyAsInt(l) : NOT_EXECUTED);
  }

  private static int[] lanes(IntUnaryOperator value) {
    int[] values = new int[LANES];
    Arrays.setAll(values, value);
    return values;
  }

  private static int[] filled(int value) {
    return lanes(l -> value);
  }

  private static int[] random(int seed) {
    return new Random(seed).ints(LANES).toArray();
  }
}
