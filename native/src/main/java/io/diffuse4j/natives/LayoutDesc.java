package io.diffuse4j.natives;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * Between NCHW f32 and NHWC. The fields are those of {@code d4j_layout_desc} in {@code d4j_ops.h}.
 */
@Name("d4j_layout_desc")
@Properties(
    inherit = NativeConfig.class,
    value = @Platform(include = "d4j_ops.h", library = "jnidiffuse4j"))
public final class LayoutDesc extends Pointer {
  static {
    Loader.load();
  }

  /** All fields at the defaults of the C header. */
  public LayoutDesc() {
    super((Pointer) null);
    allocate();
  }

  private native void allocate();

  public native int kind();

  public native LayoutDesc kind(int value);

  public native int dtype();

  public native LayoutDesc dtype(int value);

  public native int n();

  public native LayoutDesc n(int value);

  public native int h();

  public native LayoutDesc h(int value);

  public native int w();

  public native LayoutDesc w(int value);

  public native int c();

  public native LayoutDesc c(int value);
}
