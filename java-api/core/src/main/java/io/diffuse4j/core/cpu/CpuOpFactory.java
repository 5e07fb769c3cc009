package io.diffuse4j.core.cpu;

import io.diffuse4j.core.op.NativeStatus;
import io.diffuse4j.core.op.Op;
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
  private final CpuWeights weights;
  private final boolean batchInvariant;

  CpuOpFactory(long engine, CpuWeights weights, boolean batchInvariant) {
    this.engine = engine;
    this.weights = weights;
    this.batchInvariant = batchInvariant;
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

  private static int flag(Object operand) {
    return operand == null ? 0 : 1;
  }

  private static int channels(Value value) {
    return value == null ? 0 : value.c();
  }

  private static int stride(Value value) {
    return value == null ? 0 : value.rowStride();
  }

  private NativeOp conv2d(Op.Conv2d op) {
    Value x = op.source();
    long[] handle = new long[1];
    try (Conv2dDesc desc = new Conv2dDesc()) {
      desc.weight(weights.handle(op.weight())).bias(weights.handle(op.bias()));
      desc.src_dtype(CpuTypes.of(x.type())).dst_dtype(CpuTypes.of(op.output().type()));
      desc.n(x.n()).h(x.h()).w(x.w()).c0(x.c()).c1(channels(op.skip())).k(op.output().c());
      desc.kh(op.weight().kernelH()).kw(op.weight().kernelW());
      desc.stride_h(op.stride()).stride_w(op.stride());
      desc.pad_top(op.padding().top()).pad_left(op.padding().left());
      desc.pad_bottom(op.padding().bottom()).pad_right(op.padding().right());
      desc.upsample(op.upsample()).residual(flag(op.residual()));
      desc.activation(CpuTypes.of(op.activation())).scale(op.outputScale());
      desc.batch_invariant(batchInvariant ? 1 : 0);
      NativeStatus.check("d4j_conv2d_create", CpuOps.d4j_conv2d_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], true, x, op.skip(), op.residual(), op.output());
  }

  /** Adds a per-sample vector to {@code value} in place. */
  NativeOp addEmbedding(Value value, Value embedding) {
    long[] handle = new long[1];
    try (AddEmbeddingDesc desc = new AddEmbeddingDesc()) {
      desc.dtype(CpuTypes.of(value.type())).n(value.n()).hw(value.tokens()).c(value.c());
      desc.embedding_stride(embedding.rowStride());
      NativeStatus.check(
          "d4j_add_embedding_create", CpuOps.d4j_add_embedding_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], false, value, embedding, value);
  }

  private NativeOp linear(Op.Linear op) {
    Value x = op.source();
    long[] handle = new long[1];
    try (LinearDesc desc = new LinearDesc()) {
      desc.weight(weights.handle(op.weight())).bias(weights.handle(op.bias()));
      desc.src_dtype(CpuTypes.of(x.type())).dst_dtype(CpuTypes.of(op.output().type()));
      desc.m(x.rows()).n(op.output().c()).k0(x.c()).k1(channels(op.source2()));
      desc.src0_stride(x.rowStride()).src1_stride(stride(op.source2()));
      desc.dst_stride(op.output().rowStride()).residual_stride(stride(op.residual()));
      desc.residual(flag(op.residual())).activation(CpuTypes.of(op.activation()));
      desc.scale(op.outputScale()).rows_per_sample(batchInvariant ? x.tokens() : 0);
      NativeStatus.check("d4j_linear_create", CpuOps.d4j_linear_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], true, x, op.source2(), op.residual(), op.output());
  }

  private NativeOp groupNorm(Op.GroupNorm op, Value embedding) {
    Value x = op.source();
    long[] handle = new long[1];
    try (GroupNormDesc desc = new GroupNormDesc()) {
      desc.gamma(weights.handle(op.gamma())).beta(weights.handle(op.beta()));
      desc.src_dtype(CpuTypes.of(x.type())).dst_dtype(CpuTypes.of(op.output().type()));
      desc.n(x.n()).hw(x.tokens()).c0(x.c()).c1(channels(op.skip()));
      desc.groups(op.groups()).eps(op.epsilon());
      desc.embedding(flag(embedding)).embedding_stride(stride(embedding));
      desc.film(flag(op.scaleShift())).film_stride(stride(op.scaleShift()));
      desc.activation(op.silu() ? CpuOps.ACTIVATION_SILU : CpuOps.ACTIVATION_NONE);
      NativeStatus.check(
          "d4j_group_norm_create", CpuOps.d4j_group_norm_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], true, x, op.skip(), embedding, op.scaleShift(), op.output());
  }

  private NativeOp layerNorm(Op.LayerNorm op) {
    Value x = op.source();
    long[] handle = new long[1];
    try (LayerNormDesc desc = new LayerNormDesc()) {
      desc.gamma(weights.handle(op.gamma())).beta(weights.handle(op.beta()));
      desc.src_dtype(CpuTypes.of(x.type())).dst_dtype(CpuTypes.of(op.output().type()));
      desc.rows(x.rows()).c(x.c()).eps(op.epsilon());
      desc.src_stride(x.rowStride()).dst_stride(op.output().rowStride());
      NativeStatus.check(
          "d4j_layer_norm_create", CpuOps.d4j_layer_norm_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], false, x, op.output());
  }

  private NativeOp attention(Op.Attention op) {
    Value q = op.query();
    long[] handle = new long[1];
    try (AttentionDesc desc = new AttentionDesc()) {
      desc.dtype(CpuTypes.of(q.type())).batch(q.n()).heads(op.heads()).head_dim(op.headDim());
      desc.q_tokens(q.tokens()).k_tokens(op.key().tokens());
      desc.q_stride(q.rowStride()).k_stride(op.key().rowStride());
      desc.v_stride(op.value().rowStride()).dst_stride(op.output().rowStride());
      desc.scale(op.scale()).causal(op.causal() ? 1 : 0);
      NativeStatus.check("d4j_attention_create", CpuOps.d4j_attention_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], true, q, op.key(), op.value(), op.output());
  }

  private NativeOp geglu(Op.Geglu op) {
    Value x = op.source();
    long[] handle = new long[1];
    try (GegluDesc desc = new GegluDesc()) {
      desc.dtype(CpuTypes.of(x.type())).rows(x.rows()).c(op.output().c());
      desc.src_stride(x.rowStride()).dst_stride(op.output().rowStride());
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
    if (op.source().isSlice() || (op.source2() != null && op.source2().isSlice())) {
      throw new IllegalArgumentException(op.function() + " of a slice");
    }
    long[] handle = new long[1];
    try (ElementwiseDesc desc = new ElementwiseDesc()) {
      desc.kind(kind).count(op.output().elements());
      desc.src_dtype(CpuTypes.of(op.source().type()));
      desc.dst_dtype(CpuTypes.of(op.output().type()));
      NativeStatus.check(
          "d4j_elementwise_create", CpuOps.d4j_elementwise_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], false, op.source(), op.source2(), op.output());
  }

  private NativeOp resample(Op.Map op, int kind) {
    Value x = op.source();
    if (x.isSlice()) {
      throw new IllegalArgumentException(op.function() + " of a slice");
    }
    long[] handle = new long[1];
    try (ResampleDesc desc = new ResampleDesc()) {
      desc.kind(kind).dtype(CpuTypes.of(x.type())).n(x.n()).h(x.h()).w(x.w()).c(x.c());
      NativeStatus.check("d4j_resample_create", CpuOps.d4j_resample_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], false, x, op.output());
  }

  private NativeOp copy(Op.Map op) {
    long[] handle = new long[1];
    try (CopyDesc desc = new CopyDesc()) {
      desc.src_dtype(CpuTypes.of(op.source().type())).dst_dtype(CpuTypes.of(op.output().type()));
      desc.rows(op.source().rows()).columns(op.source().c());
      desc.src_stride(op.source().rowStride()).dst_stride(op.output().rowStride());
      NativeStatus.check("d4j_copy_create", CpuOps.d4j_copy_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], false, op.source(), op.output());
  }

  private NativeOp embeddingLookup(Op.EmbeddingLookup op) {
    long[] handle = new long[1];
    try (EmbeddingLookupDesc desc = new EmbeddingLookupDesc()) {
      desc.table(weights.handle(op.table())).count(op.indices().rows()).c(op.output().c());
      desc.dst_dtype(CpuTypes.of(op.output().type())).dst_stride(op.output().rowStride());
      NativeStatus.check(
          "d4j_embedding_lookup_create", CpuOps.d4j_embedding_lookup_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], false, op.indices(), op.output());
  }

  private NativeOp timestep(Op.TimestepEmbedding op) {
    long[] handle = new long[1];
    try (TimestepDesc desc = new TimestepDesc()) {
      // Several scalars a sample lie side by side, and so do their features.
      desc.kind(CpuOps.TIMESTEP_SINUSOIDAL).n((int) op.source().elements()).dim(op.dim());
      desc.flip_sin_to_cos(op.flipSinToCos() ? 1 : 0).downscale_freq_shift(op.frequencyShift());
      NativeStatus.check("d4j_timestep_create", CpuOps.d4j_timestep_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], false, op.source(), op.output());
  }

  private NativeOp fourier(Op.FourierEmbedding op) {
    long[] handle = new long[1];
    try (TimestepDesc desc = new TimestepDesc()) {
      desc.kind(CpuOps.TIMESTEP_FOURIER).n(op.source().n()).dim(op.output().c());
      desc.flip_sin_to_cos(op.flipSinToCos() ? 1 : 0).log(op.log() ? 1 : 0);
      desc.frequencies(weights.handle(op.frequencies()));
      NativeStatus.check("d4j_timestep_create", CpuOps.d4j_timestep_create(engine, desc, handle));
    }
    return NativeOp.of(handle[0], false, op.source(), op.output());
  }
}
