package io.diffuse4j.core.cuda;

import io.diffuse4j.core.op.ArenaLayout;
import io.diffuse4j.core.op.Graph;
import io.diffuse4j.core.op.NativeStatus;
import io.diffuse4j.core.op.Op;
import io.diffuse4j.core.op.OpDescriptors;
import io.diffuse4j.core.op.Value;
import io.diffuse4j.natives.AttentionDesc;
import io.diffuse4j.natives.Conv2dDesc;
import io.diffuse4j.natives.CopyDesc;
import io.diffuse4j.natives.CpuOps;
import io.diffuse4j.natives.CudaOps;
import io.diffuse4j.natives.ElementwiseDesc;
import io.diffuse4j.natives.EmbeddingLookupDesc;
import io.diffuse4j.natives.GegluDesc;
import io.diffuse4j.natives.GroupNormDesc;
import io.diffuse4j.natives.LayerNormDesc;
import io.diffuse4j.natives.LinearDesc;
import io.diffuse4j.natives.ResampleDesc;
import io.diffuse4j.natives.TimestepDesc;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;

/** Turns the ops of a graph into launches. */
final class CudaLowering {
  private final Graph graph;
  private final CudaWeights weights;
  private final Set<Op> foreign;
  private final CudaFusion fusion;
  private final OpDescriptors descriptors;
  private final List<ArenaLayout.Side> sides = new ArrayList<>();

  /** Index of the statistics of an op's output among the sides. */
  private final Map<Op, Integer> statistics = new HashMap<>();

  private final List<float[]> constants = new ArrayList<>();
  private final Map<Op, Integer> frequencies = new HashMap<>();
  private final ArenaLayout layout;

  CudaLowering(Graph source, CudaWeights weights, boolean batchInvariant) {
    this(source, weights, batchInvariant, Set.of());
  }

  /**
   * Prepares a graph.
   *
   * @param foreign ops that are not launches of ours
   */
  CudaLowering(Graph source, CudaWeights weights, boolean batchInvariant, Set<Op> foreign) {
    this.weights = weights;
    this.foreign = foreign;
    fusion = new CudaFusion(source);
    graph = fusion.graph();
    descriptors =
        new OpDescriptors(weights::address, value -> CudaTypes.of(value.type()), batchInvariant);
    for (int i = 0; i < graph.ops().size(); i++) {
      prepare(graph.ops().get(i), i);
    }
    layout = ArenaLayout.of(graph, sides);
  }

  private void prepare(Op op, int index) {
    // Foreign kernels leave no statistics: the norm behind them computes its own.
    int norm = foreign.contains(op) ? -1 : lastNorm(op);
    Value output = op.output();
    long bytes =
        norm < 0 ? 0 : CudaOps.d4j_cuda_statistics_bytes(output.n(), output.tokens(), output.c());
    if (bytes > 0) {
      statistics.put(op, sides.size());
      sides.add(new ArenaLayout.Side(index, norm, bytes));
    }
    if (op instanceof Op.TimestepEmbedding timestep) {
      float[] values = new float[timestep.dim() / 2];
      try (TimestepDesc desc = descriptors.timestep(timestep)) {
        NativeStatus.check(
            "d4j_cuda_timestep_frequencies", CudaOps.d4j_cuda_timestep_frequencies(desc, values));
      }
      frequencies.put(op, constants.size());
      constants.add(values);
    }
  }

  /** The last group norm that reads the whole output of a matrix product; -1 if none does. */
  private int lastNorm(Op op) {
    int last = -1;
    if (op instanceof Op.Conv2d || op instanceof Op.Linear) {
      for (int i = 0; i < graph.ops().size(); i++) {
        if (graph.ops().get(i) instanceof Op.GroupNorm norm
            && (norm.source().equals(op.output()) || op.output().equals(norm.skip()))) {
          last = i;
        }
      }
    }
    return last;
  }

  /** Where values lie in the arena. */
  ArenaLayout layout() {
    return layout;
  }

  /** What a plan uploads once: arrays that follow one another, each at a multiple of 256 bytes. */
  List<float[]> constants() {
    return constants;
  }

  /** Byte offset of a constant among them. */
  static long constantOffset(List<float[]> constants, int index) {
    long offset = 0;
    for (float[] values : constants.subList(0, index)) {
      offset += align((long) values.length * Float.BYTES);
    }
    return offset;
  }

  /** The next multiple of 256 bytes, which every kind of access is aligned to. */
  static long align(long bytes) {
    return (bytes + 255) / 256 * 256;
  }

  /**
   * Appends every op.
   *
   * @param arena device address of the arena
   * @param constant device address of the constants
   */
  void lower(CudaProgram program, long arena, long constant) {
    lower(program, arena, constant, (op, addresses) -> {});
  }

  /**
   * As {@link #lower(CudaProgram, long, long)}.
   *
   * @param others gets each foreign op, in order, and its addresses but for the plain filter
   */
  void lower(CudaProgram program, long arena, long constant, BiConsumer<Op, long[]> others) {
    new Pass(program.handle(), arena, constant, others).run();
  }

  /** One pass over the graph with settled addresses. */
  private final class Pass {
    private final long program;
    private final long arena;
    private final long constant;
    private final BiConsumer<Op, long[]> others;

    /** Statistics by the buffer that they describe. */
    private final Map<Integer, Op> described = new HashMap<>();

    Pass(long program, long arena, long constant, BiConsumer<Op, long[]> others) {
      this.program = program;
      this.arena = arena;
      this.constant = constant;
      this.others = others;
    }

    void run() {
      for (Op op : graph.ops()) {
        append(op);
        if (statistics.containsKey(op)) {
          described.put(op.output().buffer(), op);
        }
      }
    }

    private void append(Op op) {
      if (foreign.contains(op)) {
        // A norm behind it must not move in front of it, into the tail of a launch of ours.
        NativeStatus.check("d4j_cuda_program_seal", CudaOps.d4j_cuda_program_seal(program));
        others.accept(op, foreignAddresses(op));
      } else if (op instanceof Op.Conv2d conv) {
        conv2d(conv);
      } else if (op instanceof Op.Linear linear) {
        linear(linear);
      } else if (op instanceof Op.GroupNorm norm) {
        groupNorm(norm);
      } else if (op instanceof Op.LayerNorm norm) {
        layerNorm(norm);
      } else if (op instanceof Op.Attention attention) {
        attention(attention);
      } else if (op instanceof Op.Geglu geglu) {
        geglu(geglu);
      } else if (op instanceof Op.Map map) {
        map(map);
      } else if (op instanceof Op.EmbeddingLookup lookup) {
        embeddingLookup(lookup);
      } else if (op instanceof Op.TimestepEmbedding timestep) {
        timestep(timestep);
      } else if (op instanceof Op.FourierEmbedding fourier) {
        fourier(fourier);
      } else {
        throw new IllegalArgumentException("no cuda op for " + op);
      }
    }

    /** As {@link ForeignKernel} lists them. */
    private long[] foreignAddresses(Op op) {
      if (op instanceof Op.Conv2d conv) {
        return new long[] {
          at(conv.source()),
          0,
          conv.bias() == null ? 0 : weights.address(conv.bias()),
          at(conv.embedding()),
          at(conv.residual()),
          at(conv.output())
        };
      }
      Op.Attention attention = (Op.Attention) op;
      return all(attention.query(), attention.key(), attention.value(), attention.output());
    }

    private long at(Value value) {
      return value == null ? 0 : arena + layout.offset(value);
    }

    private long[] all(Value... values) {
      long[] addresses = new long[values.length];
      for (int i = 0; i < values.length; i++) {
        addresses[i] = at(values[i]);
      }
      return addresses;
    }

    private long statisticsOf(Op op) {
      Integer side = op == null ? null : statistics.get(op);
      return side == null ? 0 : arena + layout.sideOffset(side);
    }

    private long statisticsOf(Value value) {
      return value == null || value.isSlice() ? 0 : statisticsOf(described.get(value.buffer()));
    }

    private void conv2d(Op.Conv2d op) {
      try (Conv2dDesc desc = descriptors.conv2d(op)) {
        desc.src_dtype(CudaTypes.of(CudaTypes.multiplied(weights.dtype(), op.source().type())));
        desc.embedding_stride(op.embedding() == null ? 0 : op.embedding().rowStride());
        Op.Conv2d shortcut = op.shortcut();
        long[] addresses = {
          at(op.source()),
          at(op.skip()),
          at(op.embedding()),
          at(op.residual()),
          at(op.output()),
          statisticsOf(op),
          shortcut == null ? 0 : at(shortcut.source()),
          shortcut == null ? 0 : at(shortcut.skip())
        };
        NativeStatus.check("d4j_cuda_conv2d", CudaOps.d4j_cuda_conv2d(program, desc, addresses));
      }
    }

    private void linear(Op.Linear op) {
      int layoutOfWeight = weights.layout(op.weight());
      try (LinearDesc desc = descriptors.linear(op)) {
        if (layoutOfWeight != CudaOps.LAYOUT_ROWS) {
          desc.src_dtype(CudaTypes.of(CudaTypes.multiplied(weights.dtype(), op.source().type())));
        }
        if (fusion.appliesGeglu(op)) {
          desc.activation(CudaOps.ACTIVATION_GEGLU).n(op.weight().totalOutputs());
        }
        long[] addresses = {
          at(op.source()), at(op.source2()), at(op.residual()), at(op.output()), statisticsOf(op)
        };
        NativeStatus.check(
            "d4j_cuda_linear",
            CudaOps.d4j_cuda_linear(
                program,
                desc,
                layoutOfWeight,
                op.source().n(),
                fusion.appliesSilu(op) ? 1 : 0,
                addresses));
      }
    }

    private void groupNorm(Op.GroupNorm op) {
      try (GroupNormDesc desc = descriptors.groupNorm(op, null)) {
        long[] addresses = {
          at(op.source()),
          at(op.skip()),
          0,
          at(op.scaleShift()),
          at(op.output()),
          statisticsOf(op.source()),
          statisticsOf(op.skip())
        };
        NativeStatus.check(
            "d4j_cuda_group_norm", CudaOps.d4j_cuda_group_norm(program, desc, addresses));
      }
    }

    private void layerNorm(Op.LayerNorm op) {
      try (LayerNormDesc desc = descriptors.layerNorm(op)) {
        NativeStatus.check(
            "d4j_cuda_layer_norm",
            CudaOps.d4j_cuda_layer_norm(program, desc, all(op.source(), op.output())));
      }
    }

    private void attention(Op.Attention op) {
      try (AttentionDesc desc = descriptors.attention(op)) {
        NativeStatus.check(
            "d4j_cuda_attention",
            CudaOps.d4j_cuda_attention(
                program, desc, all(op.query(), op.key(), op.value(), op.output())));
      }
    }

    private void geglu(Op.Geglu op) {
      try (GegluDesc desc = descriptors.geglu(op)) {
        NativeStatus.check(
            "d4j_cuda_geglu", CudaOps.d4j_cuda_geglu(program, desc, all(op.source(), op.output())));
      }
    }

    private void map(Op.Map op) {
      switch (op.function()) {
        case SILU -> elementwise(op, CpuOps.ELEMENTWISE_SILU);
        case ADD -> elementwise(op, CpuOps.ELEMENTWISE_ADD);
        case UPSAMPLE_NEAREST_2X -> resample(op, CpuOps.RESAMPLE_NEAREST_2X);
        case AVERAGE_POOL_2X2 -> resample(op, CpuOps.RESAMPLE_AVG_POOL_2X2);
        case COPY -> copy(op);
      }
    }

    private void elementwise(Op.Map op, int kind) {
      try (ElementwiseDesc desc = descriptors.elementwise(op, kind)) {
        NativeStatus.check(
            "d4j_cuda_elementwise",
            CudaOps.d4j_cuda_elementwise(
                program, desc, all(op.source(), op.source2(), op.output())));
      }
    }

    private void resample(Op.Map op, int kind) {
      try (ResampleDesc desc = descriptors.resample(op, kind)) {
        NativeStatus.check(
            "d4j_cuda_resample",
            CudaOps.d4j_cuda_resample(program, desc, all(op.source(), op.output())));
      }
    }

    private void copy(Op.Map op) {
      try (CopyDesc desc = descriptors.copy(op)) {
        NativeStatus.check(
            "d4j_cuda_copy", CudaOps.d4j_cuda_copy(program, desc, all(op.source(), op.output())));
      }
    }

    private void embeddingLookup(Op.EmbeddingLookup op) {
      try (EmbeddingLookupDesc desc = descriptors.embeddingLookup(op)) {
        NativeStatus.check(
            "d4j_cuda_embedding_lookup",
            CudaOps.d4j_cuda_embedding_lookup(program, desc, all(op.indices(), op.output())));
      }
    }

    private void timestep(Op.TimestepEmbedding op) {
      try (TimestepDesc desc = descriptors.timestep(op)) {
        long table = constant + constantOffset(constants, frequencies.get(op));
        NativeStatus.check(
            "d4j_cuda_timestep",
            CudaOps.d4j_cuda_timestep(
                program, desc, new long[] {at(op.source()), at(op.output()), table}));
      }
    }

    private void fourier(Op.FourierEmbedding op) {
      try (TimestepDesc desc = descriptors.fourier(op)) {
        NativeStatus.check(
            "d4j_cuda_timestep",
            CudaOps.d4j_cuda_timestep(
                program,
                desc,
                new long[] {at(op.source()), at(op.output()), weights.address(op.frequencies())}));
      }
    }
  }
}
