package io.diffuse4j.natives;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * Matrix product with bias, residual and activation, over one or two sources. The fields are those
 * of {@code d4j_linear_desc} in {@code d4j_ops.h}.
 */
@Name("d4j_linear_desc")
@Properties(
    inherit = NativeConfig.class,
    value = @Platform(include = "d4j_ops.h", library = "jnidiffuse4j"))
public final class LinearDesc extends Pointer {
  static {
    Loader.load();
  }

  /** All fields at the defaults of the C header. */
  public LinearDesc() {
    super((Pointer) null);
    allocate();
  }

  private native void allocate();

  public native long weight();

  public native LinearDesc weight(long value);

  public native long bias();

  public native LinearDesc bias(long value);

  public native int src_dtype();

  public native LinearDesc src_dtype(int value);

  public native int dst_dtype();

  public native LinearDesc dst_dtype(int value);

  public native int m();

  public native LinearDesc m(int value);

  public native int n();

  public native LinearDesc n(int value);

  public native int k0();

  public native LinearDesc k0(int value);

  public native int k1();

  public native LinearDesc k1(int value);

  public native int src0_stride();

  public native LinearDesc src0_stride(int value);

  public native int src1_stride();

  public native LinearDesc src1_stride(int value);

  public native int dst_stride();

  public native LinearDesc dst_stride(int value);

  public native int residual_stride();

  public native LinearDesc residual_stride(int value);

  public native int residual();

  public native LinearDesc residual(int value);

  public native int activation();

  public native LinearDesc activation(int value);

  public native float scale();

  public native LinearDesc scale(float value);

  public native int rows_per_sample();

  public native LinearDesc rows_per_sample(int value);
}
