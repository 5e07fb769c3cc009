package io.diffuse4j.natives;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * Group normalisation with optional embedding, FiLM and SiLU. The fields are those of {@code
 * d4j_group_norm_desc} in {@code d4j_ops.h}.
 */
@Name("d4j_group_norm_desc")
@Properties(
    inherit = NativeConfig.class,
    value = @Platform(include = "d4j_ops.h", library = "jnidiffuse4j"))
public final class GroupNormDesc extends Pointer {
  static {
    Loader.load();
  }

  /** All fields at the defaults of the C header. */
  public GroupNormDesc() {
    super((Pointer) null);
    allocate();
  }

  private native void allocate();

  public native long gamma();

  public native GroupNormDesc gamma(long value);

  public native long beta();

  public native GroupNormDesc beta(long value);

  public native int src_dtype();

  public native GroupNormDesc src_dtype(int value);

  public native int dst_dtype();

  public native GroupNormDesc dst_dtype(int value);

  public native int n();

  public native GroupNormDesc n(int value);

  public native int hw();

  public native GroupNormDesc hw(int value);

  public native int c0();

  public native GroupNormDesc c0(int value);

  public native int c1();

  public native GroupNormDesc c1(int value);

  public native int groups();

  public native GroupNormDesc groups(int value);

  public native float eps();

  public native GroupNormDesc eps(float value);

  public native int embedding();

  public native GroupNormDesc embedding(int value);

  public native int embedding_stride();

  public native GroupNormDesc embedding_stride(int value);

  public native int film();

  public native GroupNormDesc film(int value);

  public native int film_stride();

  public native GroupNormDesc film_stride(int value);

  public native int activation();

  public native GroupNormDesc activation(int value);
}
