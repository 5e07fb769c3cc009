package io.diffuse4j.natives;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * Strided copy with conversion. The fields are those of {@code d4j_copy_desc} in {@code d4j_ops.h}.
 */
@Name("d4j_copy_desc")
@Properties(
    inherit = NativeConfig.class,
    value = @Platform(include = "d4j_ops.h", library = "jnidiffuse4j"))
public final class CopyDesc extends Pointer {
  static {
    Loader.load();
  }

  /** All fields at the defaults of the C header. */
  public CopyDesc() {
    super((Pointer) null);
    allocate();
  }

  private native void allocate();

  public native int src_dtype();

  public native CopyDesc src_dtype(int value);

  public native int dst_dtype();

  public native CopyDesc dst_dtype(int value);

  public native int rows();

  public native CopyDesc rows(int value);

  public native int columns();

  public native CopyDesc columns(int value);

  public native int src_stride();

  public native CopyDesc src_stride(int value);

  public native int dst_stride();

  public native CopyDesc dst_stride(int value);
}
