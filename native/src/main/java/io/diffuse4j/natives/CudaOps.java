package io.diffuse4j.natives;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * {@code d4j_cuda.h}: from what an op computes to launches of the CUDA kernels. Calls no driver.
 * Handles and addresses are {@code long}, 0 is none; every {@code int} result that is not a count
 * or a layout is a status, 0 for success, and its message is {@link
 * NativeLibrary#d4j_last_error()}. The C header states the address lists. The numbers of dtypes and
 * activations are those of {@link CpuOps}, and these.
 */
@Properties(
    inherit = NativeConfig.class,
    value = @Platform(include = "d4j_cuda.h", library = "jnidiffuse4j"))
public final class CudaOps {
  public static final int TF32 = 3;
  public static final int ACTIVATION_GEGLU = 5;

  public static final int LAYOUT_ROWS = 0;

  public static final int SAMPLER_PREPARE = 0;
  public static final int SAMPLER_STATISTICS = 1;
  public static final int SAMPLER_STEP = 2;

  static {
    Loader.load();
  }

  private CudaOps() {}

  /**
   * An empty list of launches for a device of so many multiprocessors with so many bytes of shared
   * memory; all its ops share the scratch region and the counters at those addresses.
   */
  public static native int d4j_cuda_program_create(
      int multiprocessors,
      int sharedBytes,
      int batchInvariant,
      long scratch,
      long counters,
      @Cast("int64_t*") long[] program);

  public static native int d4j_cuda_program_destroy(long program);

  /** Lets nothing that is appended later join a launch so far. */
  public static native int d4j_cuda_program_seal(long program);

  /** Bytes of scratch that the ops so far need. */
  public static native long d4j_cuda_program_scratch_bytes(long program);

  /** Bytes of counters that the ops so far need: zero before the first run. */
  public static native long d4j_cuda_program_counter_bytes(long program);

  public static native int d4j_cuda_program_launches(long program);

  /** The image that a launch's kernel is in, such as {@code conv_fprop}. */
  public static native @Cast("const char*") String d4j_cuda_launch_image(long program, int index);

  public static native @Cast("const char*") String d4j_cuda_launch_kernel(long program, int index);

  /**
   * Grid x, y, z, threads, dynamic shared bytes, parameter bytes, 1 for a cooperative launch; and
   * the parameters' address.
   */
  public static native int d4j_cuda_launch(
      long program, int index, int[] shape, @Cast("int64_t*") long[] params);

  /** How the filter of a convolution is packed. */
  public static native int d4j_cuda_conv2d_layout(@Const Conv2dDesc desc);

  /** How the matrix of a linear layer is packed. */
  public static native int d4j_cuda_linear_layout(@Const LinearDesc desc, int fewRows);

  public static native int d4j_cuda_weight_bytes(
      @Const CudaWeightDesc desc, @Cast("int64_t*") long[] bytes);

  /** Packs published tensors, joined along their first dimension, into host memory. */
  public static native int d4j_cuda_weight_pack(
      @Const CudaWeightDesc desc,
      @Cast("const int64_t*") long[] sources,
      @Cast("const int64_t*") long[] firstDims,
      int count,
      int sourceDtype,
      long target);

  /** Packed slices to a dense [outputs, taps, channels], both in host memory. */
  public static native int d4j_cuda_weight_unpack(
      @Const CudaWeightDesc desc, long packed, long target);

  /** Bytes of the statistics that a producer can leave for a group norm; 0 if it cannot. */
  public static native long d4j_cuda_statistics_bytes(int n, int hw, int c);

  public static native int d4j_cuda_linear(
      long program,
      @Const LinearDesc desc,
      int layout,
      int samples,
      int siluInput,
      @Cast("const int64_t*") long[] addresses);

  public static native int d4j_cuda_conv2d(
      long program, @Const Conv2dDesc desc, @Cast("const int64_t*") long[] addresses);

  public static native int d4j_cuda_group_norm(
      long program, @Const GroupNormDesc desc, @Cast("const int64_t*") long[] addresses);

  public static native int d4j_cuda_layer_norm(
      long program, @Const LayerNormDesc desc, @Cast("const int64_t*") long[] addresses);

  public static native int d4j_cuda_attention(
      long program, @Const AttentionDesc desc, @Cast("const int64_t*") long[] addresses);

  public static native int d4j_cuda_geglu(
      long program, @Const GegluDesc desc, @Cast("const int64_t*") long[] addresses);

  public static native int d4j_cuda_elementwise(
      long program, @Const ElementwiseDesc desc, @Cast("const int64_t*") long[] addresses);

  public static native int d4j_cuda_resample(
      long program, @Const ResampleDesc desc, @Cast("const int64_t*") long[] addresses);

  public static native int d4j_cuda_copy(
      long program, @Const CopyDesc desc, @Cast("const int64_t*") long[] addresses);

  public static native int d4j_cuda_embedding_lookup(
      long program, @Const EmbeddingLookupDesc desc, @Cast("const int64_t*") long[] addresses);

  public static native int d4j_cuda_timestep(
      long program, @Const TimestepDesc desc, @Cast("const int64_t*") long[] addresses);

  /** The frequencies of sinusoidal features, dim / 2 of them. */
  public static native int d4j_cuda_timestep_frequencies(
      @Const TimestepDesc desc, float[] frequencies);

  /** Device bytes of the guidance numbers and of thresholding's magnitudes. */
  public static native int d4j_cuda_sampler_bytes(
      @Cast("const d4j_sampler_shape*") long shape,
      @Cast("int64_t*") long[] guidance,
      @Cast("int64_t*") long[] magnitudes);

  public static native int d4j_cuda_sampler(
      long program,
      int kernel,
      @Cast("const d4j_sampler_shape*") long shape,
      long samples,
      long progress,
      long guidance,
      long magnitudes);

  public static native int d4j_cuda_sampler_initial(
      long program, @Cast("const d4j_sampler_shape*") long shape, long samples, float scale);

  public static native int d4j_cuda_sampler_error(
      long program,
      long lower,
      long higher,
      long previous,
      long count,
      double atol,
      double rtol,
      long error);
}
