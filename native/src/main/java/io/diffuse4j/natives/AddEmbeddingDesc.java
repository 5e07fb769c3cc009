package io.diffuse4j.natives;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * Adds a vector per sample to every pixel. The fields are those of {@code d4j_add_embedding_desc}
 * in {@code d4j_ops.h}.
 */
@Name("d4j_add_embedding_desc")
@Properties(
    inherit = NativeConfig.class,
    value = @Platform(include = "d4j_ops.h", library = "jnidiffuse4j"))
public final class AddEmbeddingDesc extends Pointer {
  static {
    Loader.load();
  }

  /** All fields at the defaults of the C header. */
  public AddEmbeddingDesc() {
    super((Pointer) null);
    allocate();
  }

  private native void allocate();

  public native int dtype();

  public native AddEmbeddingDesc dtype(int value);

  public native int n();

  public native AddEmbeddingDesc n(int value);

  public native int hw();

  public native AddEmbeddingDesc hw(int value);

  public native int c();

  public native AddEmbeddingDesc c(int value);

  public native int embedding_stride();

  public native AddEmbeddingDesc embedding_stride(int value);
}
