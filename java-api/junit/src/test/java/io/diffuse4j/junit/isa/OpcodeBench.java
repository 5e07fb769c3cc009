package io.diffuse4j.junit.isa;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.junit.DeviceArray;
import io.diffuse4j.junit.KernelModule;
import io.diffuse4j.junit.LaunchShape;
import io.diffuse4j.junit.VirtualGpu;
import io.diffuse4j.junit.VirtualGpuException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;

/** Runs rows: a kernel for each, a thread for each tuple of operands. */
final class OpcodeBench {
  private static final int TUPLES = 2500;
  private static final int BLOCK = 128;
  private static final int SHOWN = 3;
  private static final String[] OPERANDS = {"%a", "%b", "%c"};

  private final VirtualGpu gpu;

  OpcodeBench(VirtualGpu gpu) {
    this.gpu = gpu;
  }

  /** Fails with every row whose instruction is refused or gives another result. */
  void check(List<OpcodeRow> rows) {
    List<String> failures = new ArrayList<>();
    for (OpcodeRow row : rows) {
      try {
        run(row, failures);
      } catch (VirtualGpuException e) {
        failures.add(row.text() + ": " + e.getMessage());
      }
    }
    assertTrue(
        failures.isEmpty(),
        () ->
            failures.size() + " of " + rows.size() + " rows fail:\n" + String.join("\n", failures));
  }

  private void run(OpcodeRow row, List<String> failures) {
    long[][] tuples = tuples(row);
    int width = row.sources().size();
    long[] flat = new long[tuples.length * width];
    for (int i = 0; i < tuples.length; i++) {
      System.arraycopy(tuples[i], 0, flat, i * width, width);
    }
    KernelModule module = gpu.load(kernel(row));
    long[] results;
    try (DeviceArray in = gpu.longs(flat);
        DeviceArray out = gpu.longs(new long[tuples.length])) {
      module
          .kernel("row")
          .launch(LaunchShape.covering(tuples.length, BLOCK), in, out, tuples.length);
      results = out.toLongs();
    }
    int wrong = 0;
    StringBuilder shown = new StringBuilder();
    for (int i = 0; i < tuples.length; i++) {
      long expected = row.reference().of(tuples[i]);
      long actual = row.result().truncate(results[i]);
      if (!row.match().accepts(row.result(), tuples[i], expected, actual) && wrong++ < SHOWN) {
        shown.append("\n   ");
        for (long operand : tuples[i]) {
          shown.append(" 0x").append(Long.toHexString(operand));
        }
        shown.append(" -> 0x").append(Long.toHexString(actual));
        shown.append(", not 0x").append(Long.toHexString(expected));
      }
    }
    if (wrong > 0) {
      failures.add(row.text() + ": " + wrong + " of " + tuples.length + " results" + shown);
    }
  }

  /** All combinations of the operands' edges, or a sample of them that is always the same. */
  private static long[][] tuples(OpcodeRow row) {
    List<List<Long>> edges = row.sources().stream().map(PtxType::edges).toList();
    long all = edges.stream().mapToLong(List::size).reduce(1, Math::multiplyExact);
    int count = (int) Math.min(all, TUPLES);
    Random random = new Random(row.text().hashCode());
    long[][] tuples = new long[count][edges.size()];
    for (int i = 0; i < count; i++) {
      long index = all <= TUPLES ? i : random.nextLong(all);
      for (int k = 0; k < edges.size(); k++) {
        int size = edges.get(k).size();
        tuples[i][k] = edges.get(k).get((int) (index % size));
        index /= size;
      }
    }
    return tuples;
  }

  /** The row's instructions, for the inventory. */
  static Stream<Form> forms(OpcodeRow row) {
    return Form.of(declarations(row), row.text());
  }

  private static String declarations(OpcodeRow row) {
    StringBuilder text = new StringBuilder();
    text.append(
        """
          .reg .pred %p, %q, %r;
          .reg .b32 %t, %t2, %t3, %t4;
          .reg .b64 %w, %w2;
          .reg .b16 %h, %h2;
        """);
    for (int k = 0; k < row.sources().size(); k++) {
      text.append("  .reg .").append(row.sources().get(k).register());
      text.append(" ").append(OPERANDS[k]).append(";\n");
    }
    return text.append("  .reg .").append(row.result().register()).append(" %d;\n").toString();
  }

  private static String kernel(OpcodeRow row) {
    StringBuilder text = new StringBuilder();
    text.append(
        """
        .version 8.7
        .target sm_80
        .address_size 64
        .visible .entry row(.param .u64 in, .param .u64 out, .param .u32 count)
        {
          .reg .pred %outside;
          .reg .b32 %i, %n;
          .reg .b64 %from, %to;
        """);
    text.append(declarations(row));
    text.append(
        """
          mov.u32 %i, %ctaid.x;
          mov.u32 %t, %ntid.x;
          mov.u32 %n, %tid.x;
          mad.lo.u32 %i, %i, %t, %n;
          ld.param.u32 %n, [count];
          setp.ge.u32 %outside, %i, %n;
          @%outside ret;
          ld.param.u64 %from, [in];
          ld.param.u64 %to, [out];
          mad.wide.u32 %to, %i, 8, %to;
        """);
    text.append("  mad.wide.u32 %from, %i, ").append(8 * row.sources().size());
    text.append(", %from;\n");
    for (int k = 0; k < row.sources().size(); k++) {
      text.append("  ld.global.").append(row.sources().get(k).memory()).append(" ");
      text.append(OPERANDS[k]).append(", [%from+").append(8 * k).append("];\n");
    }
    text.append("  ").append(row.text()).append(row.text().endsWith(";") ? "\n" : ";\n");
    text.append("  st.global.").append(row.result().memory()).append(" [%to], %d;\n");
    return text.append("  ret;\n}\n").toString();
  }
}
