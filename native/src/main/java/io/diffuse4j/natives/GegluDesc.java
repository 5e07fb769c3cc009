package io.diffuse4j.natives;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * Gated GELU (Shazeer 2020). The fields are those of {@code d4j_geglu_desc} in {@code d4j_ops.h}.
 */
@Name("d4j_geglu_desc")
@Properties(
    inherit = NativeConfig.class,
    value = @Platform(include = "d4j_ops.h", library = "jnidiffuse4j"))
public final class GegluDesc extends Pointer {
  static {
    Loader.load();
  }

  /** All fields at the defaults of the C header. */
  public GegluDesc() {
    super((Pointer) null);
    allocate();
  }

  private native void allocate();

  public native int dtype();

  public native GegluDesc dtype(int value);

  public native int rows();

  public native GegluDesc rows(int value);

  public native int c();

  public native GegluDesc c(int value);

  public native int src_stride();

  public native GegluDesc src_stride(int value);

  public native int dst_stride();

  public native GegluDesc dst_stride(int value);
}
