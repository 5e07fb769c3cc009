package io.diffuse4j.natives;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * Sinusoidal or Fourier features of timesteps. The fields are those of {@code d4j_timestep_desc} in
 * {@code d4j_ops.h}.
 */
@Name("d4j_timestep_desc")
@Properties(
    inherit = NativeConfig.class,
    value = @Platform(include = "d4j_ops.h", library = "jnidiffuse4j"))
public final class TimestepDesc extends Pointer {
  static {
    Loader.load();
  }

  /** All fields at the defaults of the C header. */
  public TimestepDesc() {
    super((Pointer) null);
    allocate();
  }

  private native void allocate();

  public native int kind();

  public native TimestepDesc kind(int value);

  public native int n();

  public native TimestepDesc n(int value);

  public native int dim();

  public native TimestepDesc dim(int value);

  public native int dst_stride();

  public native TimestepDesc dst_stride(int value);

  public native int flip_sin_to_cos();

  public native TimestepDesc flip_sin_to_cos(int value);

  public native float downscale_freq_shift();

  public native TimestepDesc downscale_freq_shift(float value);

  public native float max_period();

  public native TimestepDesc max_period(float value);

  public native float scale();

  public native TimestepDesc scale(float value);

  public native long frequencies();

  public native TimestepDesc frequencies(long value);

  public native int log();

  public native TimestepDesc log(int value);
}
