package io.diffuse4j.natives;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * Layer normalisation. The fields are those of {@code d4j_layer_norm_desc} in {@code d4j_ops.h}.
 */
@Name("d4j_layer_norm_desc")
@Properties(
    inherit = NativeConfig.class,
    value = @Platform(include = "d4j_ops.h", library = "jnidiffuse4j"))
public final class LayerNormDesc extends Pointer {
  static {
    Loader.load();
  }

  /** All fields at the defaults of the C header. */
  public LayerNormDesc() {
    super((Pointer) null);
    allocate();
  }

  private native void allocate();

  public native long gamma();

  public native LayerNormDesc gamma(long value);

  public native long beta();

  public native LayerNormDesc beta(long value);

  public native int src_dtype();

  public native LayerNormDesc src_dtype(int value);

  public native int dst_dtype();

  public native LayerNormDesc dst_dtype(int value);

  public native int rows();

  public native LayerNormDesc rows(int value);

  public native int c();

  public native LayerNormDesc c(int value);

  public native int src_stride();

  public native LayerNormDesc src_stride(int value);

  public native int dst_stride();

  public native LayerNormDesc dst_stride(int value);

  public native float eps();

  public native LayerNormDesc eps(float value);
}
