package io.diffuse4j.natives;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * SiLU, sum or scaling of whole tensors. The fields are those of {@code d4j_elementwise_desc} in
 * {@code d4j_ops.h}.
 */
@Name("d4j_elementwise_desc")
@Properties(
    inherit = NativeConfig.class,
    value = @Platform(include = "d4j_ops.h", library = "jnidiffuse4j"))
public final class ElementwiseDesc extends Pointer {
  static {
    Loader.load();
  }

  /** All fields at the defaults of the C header. */
  public ElementwiseDesc() {
    super((Pointer) null);
    allocate();
  }

  private native void allocate();

  public native int kind();

  public native ElementwiseDesc kind(int value);

  public native int src_dtype();

  public native ElementwiseDesc src_dtype(int value);

  public native int dst_dtype();

  public native ElementwiseDesc dst_dtype(int value);

  public native long count();

  public native ElementwiseDesc count(long value);

  public native float scale();

  public native ElementwiseDesc scale(float value);
}
