package io.diffuse4j.junit.isa;

import io.diffuse4j.junit.DeviceArray;
import io.diffuse4j.junit.KernelModule;
import io.diffuse4j.junit.LaunchShape;
import io.diffuse4j.junit.VirtualGpu;
import java.util.List;
import java.util.stream.Stream;

/**
 * Runs a piece of PTX in one block of whole warps: register {@code %iK} of each thread comes from
 * the inputs, {@code %oK} goes to the outputs.
 */
final class WarpBench {
  static final int LANES = 32;
  private static final int SLOT = 8;

  /** What {@link Code#text()} may use beside its inputs and outputs. */
  private static final String SCRATCH =
      """
        .reg .pred %p, %q, %r;
        .reg .b32 %x, %y, %z, %lane, %thread, %tile;
        .reg .b64 %u, %v, %w, %mem, %shared;
        .reg .b16 %h, %g;
        .shared .align 16 .b8 tile[4096];
      """;

  /**
   * A kernel's body.
   *
   * @param threads of the block
   * @param inputs kinds of the input registers, such as {@code b32}
   * @param outputs kinds of the output registers
   * @param text PTX; {@code %tile} and {@code %shared} are the addresses of 4096 bytes of shared
   *     memory, direct and generic, {@code %mem} is that of the memory given
   */
  record Code(int threads, List<String> inputs, List<String> outputs, String text) {
    /** One warp. */
    static Code warp(List<String> inputs, List<String> outputs, String text) {
      return new Code(LANES, inputs, outputs, text);
    }

    Stream<Form> forms() {
      return Form.of(declarations(this), text);
    }
  }

  private final VirtualGpu gpu;

  WarpBench(VirtualGpu gpu) {
    this.gpu = gpu;
  }

  /** The outputs as {@code [register][thread]}, from inputs in the same order. */
  long[][] run(Code code, long[][] inputs) {
    return run(code, inputs, "");
  }

  /** With declarations at the scope of the module. */
  long[][] run(Code code, long[][] inputs, String declarations) {
    try (DeviceArray memory = gpu.longs(new long[512])) {
      return run(code, inputs, memory, declarations);
    }
  }

  long[][] run(Code code, long[][] inputs, DeviceArray memory) {
    return run(code, inputs, memory, "");
  }

  private long[][] run(Code code, long[][] inputs, DeviceArray memory, String moduleScope) {
    int threads = code.threads();
    long[] flat = new long[Math.max(1, inputs.length * threads)];
    for (int k = 0; k < inputs.length; k++) {
      System.arraycopy(inputs[k], 0, flat, k * threads, threads);
    }
    KernelModule module = gpu.load(kernel(code, moduleScope));
    try (DeviceArray in = gpu.longs(flat);
        DeviceArray out = gpu.longs(new long[Math.max(1, code.outputs().size() * threads)])) {
      module.kernel("bench").launch(LaunchShape.of(1, threads), in, out, memory);
      long[] results = out.toLongs();
      long[][] outputs = new long[code.outputs().size()][threads];
      for (int k = 0; k < outputs.length; k++) {
        System.arraycopy(results, k * threads, outputs[k], 0, threads);
      }
      return outputs;
    }
  }

  private static String declarations(Code code) {
    StringBuilder text = new StringBuilder(SCRATCH);
    for (int k = 0; k < code.inputs().size(); k++) {
      text.append("  .reg .").append(code.inputs().get(k)).append(" %i").append(k).append(";\n");
    }
    for (int k = 0; k < code.outputs().size(); k++) {
      text.append("  .reg .").append(code.outputs().get(k)).append(" %o").append(k).append(";\n");
    }
    return text.toString();
  }

  private static String kernel(Code code, String moduleScope) {
    StringBuilder text = new StringBuilder();
    text.append(
        """
        .version 8.7
        .target sm_80
        .address_size 64
        MODULE
        .visible .entry bench(.param .u64 in, .param .u64 out, .param .u64 memory)
        {
          .reg .b64 %from, %to;
        """
            .replace("MODULE", moduleScope));
    text.append(declarations(code));
    text.append(
        """
          mov.u32 %thread, %tid.x;
          mov.u32 %lane, %laneid;
          mov.u32 %tile, tile;
          cvt.u64.u32 %shared, %tile;
          cvta.shared.u64 %shared, %shared;
          ld.param.u64 %from, [in];
          ld.param.u64 %to, [out];
          ld.param.u64 %mem, [memory];
          mad.wide.u32 %from, %thread, 8, %from;
          mad.wide.u32 %to, %thread, 8, %to;
        """);
    for (int k = 0; k < code.inputs().size(); k++) {
      text.append("  ld.global.").append(code.inputs().get(k)).append(" %i").append(k);
      text.append(", [%from+").append(SLOT * code.threads() * k).append("];\n");
    }
    text.append(code.text()).append(code.text().startsWith("{") ? "\n" : ";\n");
    for (int k = 0; k < code.outputs().size(); k++) {
      text.append("  st.global.").append(code.outputs().get(k)).append(" [%to+");
      text.append(SLOT * code.threads() * k).append("], %o").append(k).append(";\n");
    }
    return text.append("  ret;\n}\n").toString();
  }
}
