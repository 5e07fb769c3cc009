package io.diffuse4j.natives;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * {@code d4j_cpu.h}: memory, weights, ops and plans of the cpu device. Handles and addresses are
 * {@code long}, 0 is none; every {@code int} result is a status, 0 for success, and its message is
 * {@link NativeLibrary#d4j_last_error()}. The C header states shapes, address lists and threads.
 */
@Properties(
    inherit = NativeConfig.class,
    value = @Platform(include = "d4j_cpu.h", library = "jnidiffuse4j"))
public final class CpuOps {
  public static final int F32 = 0;
  public static final int F16 = 1;
  public static final int BF16 = 2;

  public static final int ACTIVATION_NONE = 0;
  public static final int ACTIVATION_SILU = 1;
  public static final int ACTIVATION_GELU_ERF = 2;
  public static final int ACTIVATION_GELU_TANH = 3;
  public static final int ACTIVATION_QUICK_GELU = 4;

  public static final int WEIGHT_CONV = 0;
  public static final int WEIGHT_LINEAR = 1;
  public static final int WEIGHT_VECTOR = 2;
  public static final int WEIGHT_TABLE = 3;

  public static final int ELEMENTWISE_SILU = 0;
  public static final int ELEMENTWISE_ADD = 1;
  public static final int ELEMENTWISE_SCALE = 2;

  public static final int RESAMPLE_AVG_POOL_2X2 = 0;
  public static final int RESAMPLE_NEAREST_2X = 1;

  public static final int TIMESTEP_SINUSOIDAL = 0;
  public static final int TIMESTEP_FOURIER = 1;

  public static final int LAYOUT_NCHW_TO_NHWC = 0;
  public static final int LAYOUT_NHWC_TO_NCHW = 1;

  static {
    Loader.load();
  }

  private CpuOps() {}

  /** Creates an oneDNN engine and stream with an OpenMP team of {@code threads}. */
  public static native int d4j_engine_create(int threads, @Cast("int64_t*") long[] engine);

  public static native int d4j_engine_destroy(long engine);

  /** 64-byte aligned host memory with undefined contents. */
  public static native int d4j_memory_alloc(long bytes, @Cast("int64_t*") long[] address);

  public static native int d4j_memory_free(long address);

  /** Bytes held by all allocations of this library, exactly as requested. */
  public static native long d4j_memory_in_use();

  /** Engines, weights, ops and plans not destroyed yet. */
  public static native long d4j_live_objects();

  /** The instruction set of our own kernels; {@code DIFFUSE4J_CPU_ISA} caps it. */
  public static native @Cast("const char*") String d4j_cpu_isa();

  /** The instruction set that oneDNN uses, in its own words. */
  public static native @Cast("const char*") String d4j_onednn_isa();

  /** 1 if bf16 products run natively. */
  public static native int d4j_cpu_has_native_bf16();

  /** Copies published tensors, joined along their first dimension, into a weight. */
  public static native int d4j_weight_create(
      long engine,
      int kind,
      @Cast("const int64_t*") long[] sources,
      @Cast("const int64_t*") long[] firstDims,
      int count,
      int sourceDtype,
      @Cast("const int64_t*") long[] dims,
      int rank,
      int dtype,
      @Cast("int64_t*") long[] weight);

  /** A filter or matrix by its shape alone: ops of it tell what they need, but cannot be bound. */
  public static native int d4j_weight_declare(
      long engine,
      int kind,
      @Cast("const int64_t*") long[] dims,
      int rank,
      int dtype,
      @Cast("int64_t*") long[] weight);

  /** Legal while ops that use the weight exist: the memory goes with the last of them. */
  public static native int d4j_weight_destroy(long weight);

  /** Bytes that the weight holds now, all packed copies counted. */
  public static native int d4j_weight_bytes(long weight, @Cast("int64_t*") long[] bytes);

  public static native int d4j_conv2d_create(
      long engine, @Const Conv2dDesc desc, @Cast("int64_t*") long[] op);

  public static native int d4j_linear_create(
      long engine, @Const LinearDesc desc, @Cast("int64_t*") long[] op);

  public static native int d4j_geglu_create(
      long engine, @Const GegluDesc desc, @Cast("int64_t*") long[] op);

  public static native int d4j_group_norm_create(
      long engine, @Const GroupNormDesc desc, @Cast("int64_t*") long[] op);

  public static native int d4j_layer_norm_create(
      long engine, @Const LayerNormDesc desc, @Cast("int64_t*") long[] op);

  public static native int d4j_attention_create(
      long engine, @Const AttentionDesc desc, @Cast("int64_t*") long[] op);

  public static native int d4j_elementwise_create(
      long engine, @Const ElementwiseDesc desc, @Cast("int64_t*") long[] op);

  public static native int d4j_add_embedding_create(
      long engine, @Const AddEmbeddingDesc desc, @Cast("int64_t*") long[] op);

  public static native int d4j_resample_create(
      long engine, @Const ResampleDesc desc, @Cast("int64_t*") long[] op);

  public static native int d4j_copy_create(
      long engine, @Const CopyDesc desc, @Cast("int64_t*") long[] op);

  public static native int d4j_embedding_lookup_create(
      long engine, @Const EmbeddingLookupDesc desc, @Cast("int64_t*") long[] op);

  public static native int d4j_timestep_create(
      long engine, @Const TimestepDesc desc, @Cast("int64_t*") long[] op);

  public static native int d4j_layout_create(
      long engine, @Const LayoutDesc desc, @Cast("int64_t*") long[] op);

  /** Bytes of scratch to put into the arena for this op. */
  public static native int d4j_op_scratch_bytes(long op, @Cast("int64_t*") long[] bytes);

  /** Fixes the addresses of an op, in the order that the C header lists for it. */
  public static native int d4j_op_bind(
      long op, @Cast("const int64_t*") long[] addresses, int count);

  /** What runs underneath, such as {@code brgconv:avx512_core}. */
  public static native @Cast("const char*") String d4j_op_implementation(long op);

  public static native int d4j_op_destroy(long op);

  /** A plan runs bound ops in order; destroy it before its ops. */
  public static native int d4j_plan_create(
      long engine, @Cast("const int64_t*") long[] ops, int count, @Cast("int64_t*") long[] plan);

  /** Runs all ops; allocates nothing. */
  public static native int d4j_plan_run(long plan);

  /** Runs all ops and stores the nanoseconds of each. */
  public static native int d4j_plan_run_timed(
      long plan, @Cast("int64_t*") long[] nanoseconds, int count);

  public static native int d4j_plan_destroy(long plan);
}
