package io.diffuse4j.natives;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * Rows of an embedding table. The fields are those of {@code d4j_embedding_lookup_desc} in {@code
 * d4j_ops.h}.
 */
@Name("d4j_embedding_lookup_desc")
@Properties(
    inherit = NativeConfig.class,
    value = @Platform(include = "d4j_ops.h", library = "jnidiffuse4j"))
public final class EmbeddingLookupDesc extends Pointer {
  static {
    Loader.load();
  }

  /** All fields at the defaults of the C header. */
  public EmbeddingLookupDesc() {
    super((Pointer) null);
    allocate();
  }

  private native void allocate();

  public native long table();

  public native EmbeddingLookupDesc table(long value);

  public native int count();

  public native EmbeddingLookupDesc count(int value);

  public native int c();

  public native EmbeddingLookupDesc c(int value);

  public native int dst_dtype();

  public native EmbeddingLookupDesc dst_dtype(int value);

  public native int dst_stride();

  public native EmbeddingLookupDesc dst_stride(int value);
}
