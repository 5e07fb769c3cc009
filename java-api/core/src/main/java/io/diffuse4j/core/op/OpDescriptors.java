package io.diffuse4j.core.op;

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
import java.util.function.ToIntFunction;
import java.util.function.ToLongFunction;

/**
 * Native descriptors of ops ({@code d4j_ops.h}), the same for every kind of device. The caller
 * closes what it gets.
 */
public final class OpDescriptors {
  private final ToLongFunction<Weight> weights;
  private final ToIntFunction<Value> dtypes;
  private final boolean batchInvariant;

  /**
   * For one kind of device.
   *
   * @param weights what descriptors call a parameter; not asked for absent ones
   * @param dtypes the number of a value's dtype; refuses what the device does not compute in
   * @param batchInvariant no bit of a sample may depend on the batch it is in
   */
  public OpDescriptors(
      ToLongFunction<Weight> weights, ToIntFunction<Value> dtypes, boolean batchInvariant) {
    this.weights = weights;
    this.dtypes = dtypes;
    this.batchInvariant = batchInvariant;
  }

  private long weight(Weight weight) {
    return weight == null ? 0 : weights.applyAsLong(weight);
  }

  private int dtype(Value value) {
    return dtypes.applyAsInt(value);
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

  private static int activation(Activation activation) {
    return switch (activation) {
      case NONE -> CpuOps.ACTIVATION_NONE;
      case SILU -> CpuOps.ACTIVATION_SILU;
      case GELU -> CpuOps.ACTIVATION_GELU_ERF;
      case QUICK_GELU -> CpuOps.ACTIVATION_QUICK_GELU;
    };
  }

  public Conv2dDesc conv2d(Op.Conv2d op) {
    Value x = op.source();
    Conv2dDesc desc = new Conv2dDesc();
    desc.weight(weight(op.weight())).bias(weight(op.bias()));
    desc.src_dtype(dtype(x)).dst_dtype(dtype(op.output()));
    desc.n(x.n()).h(x.h()).w(x.w()).c0(x.c()).c1(channels(op.skip())).k(op.output().c());
    desc.kh(op.weight().kernelH()).kw(op.weight().kernelW());
    desc.stride_h(op.stride()).stride_w(op.stride());
    desc.pad_top(op.padding().top()).pad_left(op.padding().left());
    desc.pad_bottom(op.padding().bottom()).pad_right(op.padding().right());
    desc.upsample(op.upsample()).residual(flag(op.residual()));
    desc.activation(activation(op.activation())).scale(op.outputScale());
    desc.batch_invariant(batchInvariant ? 1 : 0);
    if (op.shortcut() != null) {
      desc.shortcut_c0(op.shortcut().source().c()).shortcut_c1(channels(op.shortcut().skip()));
    }
    return desc;
  }

  /** Adds a per-sample vector to {@code value} in place. */
  public AddEmbeddingDesc addEmbedding(Value value, Value embedding) {
    AddEmbeddingDesc desc = new AddEmbeddingDesc();
    desc.dtype(dtype(value)).n(value.n()).hw(value.tokens()).c(value.c());
    desc.embedding_stride(embedding.rowStride());
    return desc;
  }

  public LinearDesc linear(Op.Linear op) {
    Value x = op.source();
    LinearDesc desc = new LinearDesc();
    desc.weight(weight(op.weight())).bias(weight(op.bias()));
    desc.src_dtype(dtype(x)).dst_dtype(dtype(op.output()));
    desc.m(x.rows()).n(op.output().c()).k0(x.c()).k1(channels(op.source2()));
    desc.src0_stride(x.rowStride()).src1_stride(stride(op.source2()));
    desc.dst_stride(op.output().rowStride()).residual_stride(stride(op.residual()));
    desc.residual(flag(op.residual())).activation(activation(op.activation()));
    desc.scale(op.outputScale()).rows_per_sample(batchInvariant ? x.tokens() : 0);
    return desc;
  }

  /**
   * A group norm.
   *
   * @param embedding added to the source first, or null
   */
  public GroupNormDesc groupNorm(Op.GroupNorm op, Value embedding) {
    Value x = op.source();
    GroupNormDesc desc = new GroupNormDesc();
    desc.gamma(weight(op.gamma())).beta(weight(op.beta()));
    desc.src_dtype(dtype(x)).dst_dtype(dtype(op.output()));
    desc.n(x.n()).hw(x.tokens()).c0(x.c()).c1(channels(op.skip()));
    desc.groups(op.groups()).eps(op.epsilon());
    desc.embedding(flag(embedding)).embedding_stride(stride(embedding));
    desc.film(flag(op.scaleShift())).film_stride(stride(op.scaleShift()));
    desc.activation(op.silu() ? CpuOps.ACTIVATION_SILU : CpuOps.ACTIVATION_NONE);
    return desc;
  }

  public LayerNormDesc layerNorm(Op.LayerNorm op) {
    Value x = op.source();
    LayerNormDesc desc = new LayerNormDesc();
    desc.gamma(weight(op.gamma())).beta(weight(op.beta()));
    desc.src_dtype(dtype(x)).dst_dtype(dtype(op.output()));
    desc.rows(x.rows()).c(x.c()).eps(op.epsilon());
    desc.src_stride(x.rowStride()).dst_stride(op.output().rowStride());
    return desc;
  }

  public AttentionDesc attention(Op.Attention op) {
    Value q = op.query();
    AttentionDesc desc = new AttentionDesc();
    desc.dtype(dtype(q)).batch(q.n()).heads(op.heads()).head_dim(op.headDim());
    desc.q_tokens(q.tokens()).k_tokens(op.key().tokens());
    desc.q_stride(q.rowStride()).k_stride(op.key().rowStride());
    desc.v_stride(op.value().rowStride()).dst_stride(op.output().rowStride());
    desc.scale(op.scale()).causal(op.causal() ? 1 : 0);
    return desc;
  }

  public GegluDesc geglu(Op.Geglu op) {
    Value x = op.source();
    GegluDesc desc = new GegluDesc();
    desc.dtype(dtype(x)).rows(x.rows()).c(op.output().c());
    desc.src_stride(x.rowStride()).dst_stride(op.output().rowStride());
    return desc;
  }

  public ElementwiseDesc elementwise(Op.Map op, int kind) {
    if (op.source().isSlice() || (op.source2() != null && op.source2().isSlice())) {
      throw new IllegalArgumentException(op.function() + " of a slice");
    }
    ElementwiseDesc desc = new ElementwiseDesc();
    desc.kind(kind).count(op.output().elements());
    desc.src_dtype(dtype(op.source()));
    desc.dst_dtype(dtype(op.output()));
    return desc;
  }

  public ResampleDesc resample(Op.Map op, int kind) {
    Value x = op.source();
    if (x.isSlice()) {
      throw new IllegalArgumentException(op.function() + " of a slice");
    }
    ResampleDesc desc = new ResampleDesc();
    desc.kind(kind).dtype(dtype(x)).n(x.n()).h(x.h()).w(x.w()).c(x.c());
    return desc;
  }

  public CopyDesc copy(Op.Map op) {
    CopyDesc desc = new CopyDesc();
    desc.src_dtype(dtype(op.source())).dst_dtype(dtype(op.output()));
    desc.rows(op.source().rows()).columns(op.source().c());
    desc.src_stride(op.source().rowStride()).dst_stride(op.output().rowStride());
    return desc;
  }

  public EmbeddingLookupDesc embeddingLookup(Op.EmbeddingLookup op) {
    EmbeddingLookupDesc desc = new EmbeddingLookupDesc();
    desc.table(weight(op.table())).count(op.indices().rows()).c(op.output().c());
    desc.dst_dtype(dtype(op.output())).dst_stride(op.output().rowStride());
    return desc;
  }

  public TimestepDesc timestep(Op.TimestepEmbedding op) {
    TimestepDesc desc = new TimestepDesc();
    // Several scalars a sample lie side by side, and so do their features.
    desc.kind(CpuOps.TIMESTEP_SINUSOIDAL).n((int) op.source().elements()).dim(op.dim());
    desc.flip_sin_to_cos(op.flipSinToCos() ? 1 : 0).downscale_freq_shift(op.frequencyShift());
    return desc;
  }

  public TimestepDesc fourier(Op.FourierEmbedding op) {
    TimestepDesc desc = new TimestepDesc();
    desc.kind(CpuOps.TIMESTEP_FOURIER).n(op.source().n()).dim(op.output().c());
    desc.flip_sin_to_cos(op.flipSinToCos() ? 1 : 0).log(op.log() ? 1 : 0);
    desc.frequencies(weight(op.frequencies()));
    return desc;
  }
}
