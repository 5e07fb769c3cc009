package io.diffuse4j.core.cpu;

import io.diffuse4j.core.op.NativeStatus;
import io.diffuse4j.core.op.Op;
import io.diffuse4j.core.op.OpDescriptors;
import io.diffuse4j.core.op.Value;
import io.diffuse4j.natives.AddEmbeddingDesc;
import io.diffuse4j.natives.AttentionDesc;
import io.diffuse4j.natives.Conv2dDesc;
import io.diffuse4j.natives.CopyDesc;
import io.diffuse4j.natives.CpuOps;
import io.diffuse4j.natives.ElementwiseDesc;
import io.diffuse4j.natives.EmbeddingLookupDesc;
import io.diffuse4j.natives.GegluDesc;
import io.diffuse4j.natives.GroupNormDesc;
import io.diffuse4j.natives.LayerNormDesc;
import io.diffuse4j.natives.LinearDesc;
import io.diffuse4j.natives.ResampleDesc;
import io.diffuse4j.natives.TimestepDesc;
import java.util.Arrays;
import java.util.List;

/** Makes the native op of each {@link Op}. */
final class CpuOpFactory {
  private final long engine;
  private final OpDescriptors descriptors;

  CpuOpFactory(long engine, CpuWeights weights, boolean batchInvariant) {
    this.engine = engine;
    descriptors =
        new OpDescriptors(weights::handle, value -> CpuTypes.of(value.type()), batchInvariant);
  }

  /**
   * A native op and the values whose addresses it is bound to, in order; null is an absent operand.
   *
   * @param scratch the op's address list ends with scratch
   */
  record NativeOp(long handle, List<Value> operands, boolean scratch) {
    static NativeOp of(long handle, boolean scratch, Value... operands) {
      return new NativeOp(handle, Arrays.asList(operands), scratch);
    }

    long scratchBytes() {
      long[] bytes = new long[1];
      NativeStatus.check("d4j_op_scratch_bytes", CpuOps.d4j_op_scratch_bytes(handle, bytes));
      return bytes[0];
    }
  }

  /**
   * The native op for {@code op}.
   *
   * @param embedding added to the source of a group norm first: the deferred epilogue of the
   *     convolution before it; else null
   */
  NativeOp create(Op op, Value embedding) {
    if (op instanceof Op.Conv2d conv) {
      return conv2d(conv);
    } else if (op instanceof Op.Linear linear) {
      return linear(linear);
    } else if (op instanceof Op.GroupNorm norm) {
      return groupNorm(norm, embedding);
    } else if (op instanceof Op.LayerNorm norm) {
      return layerNorm(norm);
    } else if (op instanceof Op.Attention attention) {
      return attention(attention);
    } else if (op instanceof Op.Geglu geglu) {
      return geglu(geglu);
    } else if (op instanceof Op.Map map) {
      return map(map);
    } else if (op instanceof Op.EmbeddingLookup lookup) {
      return embeddingLookup(lookup);
    } else if (op instanceof Op.TimestepEmbedding timestep) {
      return timestep(timestep);
    } else if (op instanceof Op.FourierEmbedding fourier) {
      return fourier(fourier);
    }
    throw new IllegalArgumentException("no cpu op for " + op);
  }

  private NativeOp conv2d(Op.Conv2d op) {
    if (op.shortcut() != null) {
      throw new IllegalArgumentException("a shortcut is an op of its own here");
    }
    Value x = op.source();
    long[] handle = new long[1];
    try (Conv2dDesc desc = descriptors.conv2d(op)) {
      NativeStatus.check("d4j_conv2d_create", CpuOps.d4j_conv2d_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], true, x, op.skip(), op.residual(), op.output());
  }

  /** Adds a per-sample vector to {@code value} in place. */
  NativeOp addEmbedding(Value value, Value embedding) {
    long[] handle = new long[1];
    try (AddEmbeddingDesc desc = descriptors.addEmbedding(value, embedding)) {
      NativeStatus.check(
          "d4j_add_embedding_create", CpuOps.d4j_add_embedding_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], false, value, embedding, value);
  }

  private NativeOp linear(Op.Linear op) {
    Value x = op.source();
    long[] handle = new long[1];
    try (LinearDesc desc = descriptors.linear(op)) {
      NativeStatus.check("d4j_linear_create", CpuOps.d4j_linear_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], true, x, op.source2(), op.residual(), op.output());
  }

  private NativeOp groupNorm(Op.GroupNorm op, Value embedding) {
    Value x = op.source();
    long[] handle = new long[1];
    try (GroupNormDesc desc = descriptors.groupNorm(op, embedding)) {
      NativeStatus.check(
          "d4j_group_norm_create", CpuOps.d4j_group_norm_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], true, x, op.skip(), embedding, op.scaleShift(), op.output());
  }

  private NativeOp layerNorm(Op.LayerNorm op) {
    Value x = op.source();
    long[] handle = new long[1];
    try (LayerNormDesc desc = descriptors.layerNorm(op)) {
      NativeStatus.check(
          "d4j_layer_norm_create", CpuOps.d4j_layer_norm_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], false, x, op.output());
  }

  private NativeOp attention(Op.Attention op) {
    Value q = op.query();
    long[] handle = new long[1];
    try (AttentionDesc desc = descriptors.attention(op)) {
      NativeStatus.check("d4j_attention_create", CpuOps.d4j_attention_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], true, q, op.key(), op.value(), op.output());
  }

  private NativeOp geglu(Op.Geglu op) {
    Value x = op.source();
    long[] handle = new long[1];
    try (GegluDesc desc = descriptors.geglu(op)) {
      NativeStatus.check("d4j_geglu_create", CpuOps.d4j_geglu_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], false, x, op.output());
  }

  private NativeOp map(Op.Map op) {
    return switch (op.function()) {
      case SILU -> elementwise(op, CpuOps.ELEMENTWISE_SILU);
      case ADD -> elementwise(op, CpuOps.ELEMENTWISE_ADD);
      case UPSAMPLE_NEAREST_2X -> resample(op, CpuOps.RESAMPLE_NEAREST_2X);
      case AVERAGE_POOL_2X2 -> resample(op, CpuOps.RESAMPLE_AVG_POOL_2X2);
      case COPY -> copy(op);
    };
  }

  private NativeOp elementwise(Op.Map op, int kind) {
    long[] handle = new long[1];
    try (ElementwiseDesc desc = descriptors.elementwise(op, kind)) {
      NativeStatus.check(
          "d4j_elementwise_create", CpuOps.d4j_elementwise_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], false, op.source(), op.source2(), op.output());
  }

  private NativeOp resample(Op.Map op, int kind) {
    Value x = op.source();
    long[] handle = new long[1];
    try (ResampleDesc desc = descriptors.resample(op, kind)) {
      NativeStatus.check("d4j_resample_create", CpuOps.d4j_resample_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], false, x, op.output());
  }

  private NativeOp copy(Op.Map op) {
    long[] handle = new long[1];
    try (CopyDesc desc = descriptors.copy(op)) {
      NativeStatus.check("d4j_copy_create", CpuOps.d4j_copy_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], false, op.source(), op.output());
  }

  private NativeOp embeddingLookup(Op.EmbeddingLookup op) {
    long[] handle = new long[1];
    try (EmbeddingLookupDesc desc = descriptors.embeddingLookup(op)) {
      NativeStatus.check(
          "d4j_embedding_lookup_create", CpuOps.d4j_embedding_lookup_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], false, op.indices(), op.output());
  }

  private NativeOp timestep(Op.TimestepEmbedding op) {
    long[] handle = new long[1];
    try (TimestepDesc desc = descriptors.timestep(op)) {
      NativeStatus.check("d4j_timestep_create", CpuOps.d4j_timestep_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], false, op.source(), op.output());
  }

  private NativeOp fourier(Op.FourierEmbedding op) {
    long[] handle = new long[1];
    try (TimestepDesc desc = descriptors.fourier(op)) {
      NativeStatus.check("d4j_timestep_create", CpuOps.d4j_timestep_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], false, op.source(), op.output());
  }
}
