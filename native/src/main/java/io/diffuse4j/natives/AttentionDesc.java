package io.diffuse4j.natives;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * Multi-head attention with online softmax. The fields are those of {@code d4j_attention_desc} in
 * {@code d4j_ops.h}.
 */
@Name("d4j_attention_desc")
@Properties(
    inherit = NativeConfig.class,
    value = @Platform(include = "d4j_ops.h", library = "jnidiffuse4j"))
public final class AttentionDesc extends Pointer {
  static {
    Loader.load();
  }

  /** All fields at the defaults of the C header. */
  public AttentionDesc() {
    super((Pointer) null);
    allocate();
  }

  private native void allocate();

  public native int dtype();

  public native AttentionDesc dtype(int value);

  public native int batch();

  public native AttentionDesc batch(int value);

  public native int heads();

  public native AttentionDesc heads(int value);

  public native int head_dim();

  public native AttentionDesc head_dim(int value);

  public native int q_tokens();

  public native AttentionDesc q_tokens(int value);

  public native int k_tokens();

  public native AttentionDesc k_tokens(int value);

  public native int q_stride();

  public native AttentionDesc q_stride(int value);

  public native int k_stride();

  public native AttentionDesc k_stride(int value);

  public native int v_stride();

  public native AttentionDesc v_stride(int value);

  public native int dst_stride();

  public native AttentionDesc dst_stride(int value);

  public native float scale();

  public native AttentionDesc scale(float value);

  public native int causal();

  public native AttentionDesc causal(int value);
}
