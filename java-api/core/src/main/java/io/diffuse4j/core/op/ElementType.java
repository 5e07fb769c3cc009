package io.diffuse4j.core.op;

import io.diffuse4j.core.device.DType;

/** How one element of a {@link Value} is stored on a device. */
public enum ElementType {
  F32(4),
  F16(2),
  BF16(2),
  I32(4);

  private final int bytes;

  ElementType(int bytes) {
    this.bytes = bytes;
  }

  public int bytes() {
    return bytes;
  }

  /** The storage of activations in a model that computes in {@code dtype}. */
  public static ElementType of(DType dtype) {
    return switch (dtype) {
      case F32, TF32 -> F32;
      case F16 -> F16;
      case BF16 -> BF16;
    };
  }
}
