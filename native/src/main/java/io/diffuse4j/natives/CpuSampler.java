package io.diffuse4j.natives;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * {@code d4j_sampler.h}: the fused sampler step on the CPU. Structures and buffers travel as raw
 * addresses; their layouts stand in the header. Statuses are those of {@code d4j_status.h}.
 */
@Properties(
    inherit = NativeConfig.class,
    value = @Platform(include = "d4j_sampler.h", library = "jnidiffuse4j"))
public final class CpuSampler {
  static {
    Loader.load();
  }

  private CpuSampler() {}

  /** Bytes of scratch that a step of this shape needs, or -1 if the shape is not valid. */
  public static native @Cast("int64_t") long d4j_sampler_scratch_bytes(
      @Cast("const d4j_sampler_shape*") long shape);

  /** Writes each sample's network input and timestep. */
  public static native int d4j_sampler_prepare(
      @Cast("const d4j_sampler_shape*") long shape,
      @Cast("const d4j_sampler_sample*") long samples);

  /** Carries out each sample's row on its network output. */
  public static native int d4j_sampler_step(
      @Cast("const d4j_sampler_shape*") long shape,
      @Cast("const d4j_sampler_sample*") long samples,
      @Cast("void*") long scratch);

  /** Writes {@code scale} times the noise that a row with this step number draws. */
  public static native int d4j_sampler_noise(
      @Cast("uint64_t") long seed,
      int noiseStep,
      int channels,
      int pixels,
      int nhwc,
      float scale,
      @Cast("float*") long noise);

  /** Writes the error norm of an adaptive step to {@code error}, one double. */
  public static native int d4j_sampler_error(
      @Cast("const float*") long lower,
      @Cast("const float*") long higher,
      @Cast("const float*") long previous,
      @Cast("int64_t") long count,
      double atol,
      double rtol,
      @Cast("double*") long error);
}
