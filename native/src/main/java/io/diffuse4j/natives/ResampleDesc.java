package io.diffuse4j.natives;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * 2x average pooling or nearest upsampling. The fields are those of {@code d4j_resample_desc} in
 * {@code d4j_ops.h}.
 */
@Name("d4j_resample_desc")
@Properties(
    inherit = NativeConfig.class,
    value = @Platform(include = "d4j_ops.h", library = "jnidiffuse4j"))
public final class ResampleDesc extends Pointer {
  static {
    Loader.load();
  }

  /** All fields at the defaults of the C header. */
  public ResampleDesc() {
    super((Pointer) null);
    allocate();
  }

  private native void allocate();

  public native int kind();

  public native ResampleDesc kind(int value);

  public native int dtype();

  public native ResampleDesc dtype(int value);

  public native int n();

  public native ResampleDesc n(int value);

  public native int h();

  public native ResampleDesc h(int value);

  public native int w();

  public native ResampleDesc w(int value);

  public native int c();

  public native ResampleDesc c(int value);
}
