package io.diffuse4j.natives;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * Two-dimensional convolution with bias, residual and activation, over one or two sources. The
 * fields are those of {@code d4j_conv2d_desc} in {@code d4j_ops.h}.
 */
@Name("d4j_conv2d_desc")
@Properties(
    inherit = NativeConfig.class,
    value = @Platform(include = "d4j_ops.h", library = "jnidiffuse4j"))
public final class Conv2dDesc extends Pointer {
  static {
    Loader.load();
  }

  /** All fields at the defaults of the C header. */
  public Conv2dDesc() {
    super((Pointer) null);
    allocate();
  }

  private native void allocate();

  public native long weight();

  public native Conv2dDesc weight(long value);

  public native long bias();

  public native Conv2dDesc bias(long value);

  public native int src_dtype();

  public native Conv2dDesc src_dtype(int value);

  public native int dst_dtype();

  public native Conv2dDesc dst_dtype(int value);

  public native int n();

  public native Conv2dDesc n(int value);

  public native int h();

  public native Conv2dDesc h(int value);

  public native int w();

  public native Conv2dDesc w(int value);

  public native int c0();

  public native Conv2dDesc c0(int value);

  public native int c1();

  public native Conv2dDesc c1(int value);

  public native int k();

  public native Conv2dDesc k(int value);

  public native int kh();

  public native Conv2dDesc kh(int value);

  public native int kw();

  public native Conv2dDesc kw(int value);

  public native int stride_h();

  public native Conv2dDesc stride_h(int value);

  public native int stride_w();

  public native Conv2dDesc stride_w(int value);

  public native int pad_top();

  public native Conv2dDesc pad_top(int value);

  public native int pad_left();

  public native Conv2dDesc pad_left(int value);

  public native int pad_bottom();

  public native Conv2dDesc pad_bottom(int value);

  public native int pad_right();

  public native Conv2dDesc pad_right(int value);

  public native int upsample();

  public native Conv2dDesc upsample(int value);

  public native int residual();

  public native Conv2dDesc residual(int value);

  public native int embedding_stride();

  public native Conv2dDesc embedding_stride(int value);

  public native int shortcut_c0();

  public native Conv2dDesc shortcut_c0(int value);

  public native int shortcut_c1();

  public native Conv2dDesc shortcut_c1(int value);

  public native int activation();

  public native Conv2dDesc activation(int value);

  public native float scale();

  public native Conv2dDesc scale(float value);

  public native int batch_invariant();

  public native Conv2dDesc batch_invariant(int value);
}
