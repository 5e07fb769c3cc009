package io.diffuse4j.junit.isa;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.junit.DeviceArray;
import io.diffuse4j.junit.VirtualGpu;
import io.diffuse4j.junit.VirtualGpuExtension;
import io.diffuse4j.junit.VirtualGpuSettings;
import io.diffuse4j.junit.isa.WarpBench.Code;
import io.diffuse4j.natives.VirtualGpuDiagnostic;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** PTX ISA, "cp.async", "cp.async.commit_group", "cp.async.wait_group, cp.async.wait_all". */
@ExtendWith(VirtualGpuExtension.class)
class AsyncCopyOpcodeTest {
  private static final int BYTES = 16;
  private static final long OLD = 0x5a5a5a5a5a5a5a5aL;

  /** How the bytes that come from the source are limited. */
  private enum Source {
    WHOLE(""),
    SIZE(", %i0"),
    IGNORED(", %p");

    final String operand;

    Source(String operand) {
      this.operand = operand;
    }
  }

  private record Copy(String modifiers, int size, Source source, String policy) {
    String instruction() {
      return "cp.async" + modifiers + " [%x], [%u], " + size + source.operand + policy;
    }

    Code code() {
      String text =
          "mad.lo.u32 %x, %lane, 16, %tile; mad.wide.u32 %u, %lane, 16, %mem; mov.b64 %w, 0;\n"
              + "st.shared.v2.b64 [%x], {"
              + OLD
              + ", "
              + OLD
              + "};\n"
              + "setp.ne.b32 %p, %i0, 0;\n"
              + instruction()
              + ";\ncp.async.wait_all;\n"
              + "ld.shared.v2.b64 {%o0, %o1}, [%x]";
      return Code.warp(List.of("b32"), List.of("b64", "b64"), text);
    }
  }

  private static List<Copy> copies() {
    List<Copy> list = new ArrayList<>();
    for (Source source : Source.values()) {
      for (String space : List.of(".shared", ".shared::cta")) {
        for (String hint : List.of("", ".L2::64B", ".L2::128B", ".L2::256B")) {
          for (int size : new int[] {4, 8, BYTES}) {
            list.add(new Copy(".ca" + space + ".global" + hint, size, source, ""));
          }
          list.add(new Copy(".cg" + space + ".global" + hint, BYTES, source, ""));
        }
      }
      for (String level : List.of(".ca", ".cg")) {
        list.add(new Copy(level + ".shared.global.L2::cache_hint", BYTES, source, ", %w"));
      }
    }
    return list;
  }

  static Stream<Form> forms() {
    return Stream.concat(copies().stream().flatMap(c -> c.code().forms()), groups(false).forms());
  }

  /** "Remaining bytes in destination are filled with zeros"; what lies behind is not touched. */
  @Test
  void copiesWriteTheirBytesAndZeros(VirtualGpu gpu) {
    long[] data = new Random(6).longs(64).toArray();
    List<String> wrong = new ArrayList<>();
    for (Copy copy : copies()) {
      long[] limits = new long[WarpBench.LANES];
      for (int lane = 0; lane < limits.length; lane++) {
        limits[lane] = copy.source() == Source.SIZE ? lane % (copy.size() + 1) : lane % 2;
      }
      long[][] outputs;
      try (DeviceArray memory = gpu.longs(data)) {
        outputs = new WarpBench(gpu).run(copy.code(), new long[][] {limits}, memory);
      }
      for (int lane = 0; lane < WarpBench.LANES; lane++) {
        int taken =
            switch (copy.source()) {
              case WHOLE -> copy.size();
              case SIZE -> (int) limits[lane];
              case IGNORED -> limits[lane] != 0 ? 0 : copy.size();
            };
        for (int i = 0; i < BYTES; i++) {
          long word = i < 8 ? data[2 * lane] : data[2 * lane + 1];
          long expected =
              i < taken ? word >>> (i % 8 * 8) & 0xff : i < copy.size() ? 0 : OLD & 0xff;
          long actual = outputs[i / 8][lane] >>> (i % 8 * 8) & 0xff;
          if (expected != actual) {
            wrong.add(copy.instruction() + " lane " + lane + " byte " + i);
            break;
          }
        }
      }
    }
    assertTrue(wrong.isEmpty(), () -> String.join("\n", wrong));
  }

  /** Three groups of one copy each, the third one not committed, and what is seen in between. */
  private static Code groups(boolean withEmptyGroup) {
    String look =
        "ld.shared.b32 %%o%d, [%%x]; ld.shared.b32 %%o%d, [%%x+4]; ld.shared.b32 %%o%d, [%%x+8];\n";
    String text =
        "mad.lo.u32 %x, %lane, 16, %tile; mad.wide.u32 %u, %lane, 16, %mem;\n"
            + "st.shared.v4.b32 [%x], {1, 1, 1, 1};\n"
            + "cp.async.ca.shared.global [%x], [%u], 4; cp.async.commit_group;\n"
            + (withEmptyGroup ? "cp.async.commit_group;\n" : "")
            + "cp.async.ca.shared.global [%x+4], [%u], 4; cp.async.commit_group;\n"
            + "cp.async.ca.shared.global [%x+8], [%u], 4;\n"
            + "cp.async.wait_group 2;\n"
            + look.formatted(0, 1, 2)
            + "cp.async.wait_group 1;\n"
            + look.formatted(3, 4, 5)
            + "cp.async.wait_group 0;\n"
            + look.formatted(6, 7, 8)
            + "cp.async.wait_all;\n"
            + look.formatted(9, 10, 11);
    return Code.warp(
        List.of(), java.util.Collections.nCopies(12, "b32"), text.strip().replaceAll(";$", ""));
  }

  /** "Waits till only N or fewer of the most recent groups are pending": nothing lands earlier. */
  @Test
  @VirtualGpuSettings("check=none")
  void copiesLandWhenTheirGroupIsWaitedForAndNotBefore(VirtualGpu gpu) {
    String[] plain = {"old old old", "new old old", "new new old", "new new new"};
    assertEquals(List.of(plain), seen(gpu, groups(false)));
    String[] withEmpty = {"new old old", "new old old", "new new old", "new new new"};
    assertEquals(List.of(withEmpty), seen(gpu, groups(true)));
  }

  private static List<String> seen(VirtualGpu gpu, Code code) {
    long[] data = new long[2 * WarpBench.LANES];
    java.util.Arrays.fill(data, 2);
    List<String> looks = new ArrayList<>();
    try (DeviceArray memory = gpu.longs(data)) {
      long[][] outputs = new WarpBench(gpu).run(code, new long[0][], memory);
      for (int look = 0; look < 4; look++) {
        List<String> words = new ArrayList<>();
        for (int k = 0; k < 3; k++) {
          long[] lanes = outputs[look * 3 + k];
          long first = lanes[0];
          assertTrue(java.util.Arrays.stream(lanes).allMatch(v -> v == first));
          words.add(first == 1 ? "old" : "new");
        }
        looks.add(String.join(" ", words));
      }
    }
    return looks;
  }

  /** Groups belong to threads: a lane's own commits count, not those of its warp. */
  @Test
  @VirtualGpuSettings("check=none")
  void eachThreadHasItsOwnGroups(VirtualGpu gpu) {
    String text =
        """
        mad.lo.u32 %x, %lane, 16, %tile; mad.wide.u32 %u, %lane, 16, %mem;
        st.shared.v4.b32 [%x], {1, 1, 1, 1};
        and.b32 %y, %lane, 1; setp.ne.b32 %p, %y, 0;
        cp.async.ca.shared.global [%x], [%u], 4; cp.async.commit_group;
        @%p cp.async.commit_group;
        cp.async.wait_group 1; ld.shared.b32 %o0, [%x]; cp.async.wait_all""";
    long[] data = new long[2 * WarpBench.LANES];
    java.util.Arrays.fill(data, 2);
    try (DeviceArray memory = gpu.longs(data)) {
      Code code = Code.warp(List.of(), List.of("b32"), text);
      long[] seen = new WarpBench(gpu).run(code, new long[0][], memory)[0];
      for (int lane = 0; lane < seen.length; lane++) {
        assertEquals(lane % 2 == 1 ? 2 : 1, seen[lane], "lane " + lane);
      }
    }
  }

  /** Reading before the wait is a race, and so is waiting for too few groups. */
  @ParameterizedTest
  @MethodSource("missingWaits")
  @VirtualGpuSettings(failOnDiagnostics = false)
  void missingWaitsAreReported(String wait, boolean reported, VirtualGpu gpu) {
    String text =
        "mad.lo.u32 %x, %lane, 16, %tile; mad.wide.u32 %u, %lane, 16, %mem;\n"
            + "cp.async.cg.shared.global [%x], [%u], 16; cp.async.commit_group;\n"
            + wait
            + "ld.shared.b32 %o0, [%x]; cp.async.wait_all";
    new WarpBench(gpu).run(Code.warp(List.of(), List.of("b32"), text), new long[0][]);
    boolean found =
        gpu.diagnostics().stream().anyMatch(d -> d.kind() == VirtualGpuDiagnostic.Kind.RACECHECK);
    if (reported) {
      assertTrue(found, wait);
    } else {
      assertFalse(found, wait);
    }
  }

  static Stream<Arguments> missingWaits() {
    return Stream.of(
        Arguments.of("", true),
        Arguments.of("cp.async.wait_group 1;\n", true),
        Arguments.of("cp.async.wait_group 0;\n", false),
        Arguments.of("cp.async.wait_all;\n", false));
  }
}
