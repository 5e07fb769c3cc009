package io.diffuse4j.core.device;

/**
 * What a model computes in. Accumulation, normalisation statistics, time embeddings and latents are
 * float32 in all of them.
 */
public enum DType {
  F32(4),
  F16(2),
  BF16(2),
  /**
   * float32 storage, multiplied by tensor cores with 10-bit mantissas; exists on cuda and virtual.
   */
  TF32(4);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** The size of a stored activation or weight. */
  public int bytes() {
    return bytes;
  }
}
