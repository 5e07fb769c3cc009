package io.diffuse4j.weights;

import java.util.Arrays;

/** Sizes of tensors, computed so that no product can overflow unseen. */
final class TensorSize {
  /** A tensor's bytes are one buffer and its elements one array: both are indexed by int. */
  static final int MAX_BYTES = Integer.MAX_VALUE - 8;

  private TensorSize() {}

  /**
   * The product of a shape.
   *
   * @throws IllegalArgumentException if an extent is negative or the product is above {@link
   *     #MAX_BYTES}
   */
  static long elements(long[] shape) {
    boolean empty = false;
    for (long extent : shape) {
      if (extent < 0) {
        throw new IllegalArgumentException("negative extent in shape " + Arrays.toString(shape));
      }
      empty |= extent == 0;
    }
    if (empty) {
      return 0;
    }
    long product = 1;
    for (long extent : shape) {
      // Both factors are below 2^31 after the check, so the next product fits a long.
      if (extent > MAX_BYTES || product * extent > MAX_BYTES) {
        throw new IllegalArgumentException(
            "shape " + Arrays.toString(shape) + " has more than " + MAX_BYTES + " elements");
      }
      product *= extent;
    }
    return product;
  }

  /**
   * Bytes of a tensor.
   *
   * @throws IllegalArgumentException as {@link #elements}, and if the size is not a whole number of
   *     bytes or above {@link #MAX_BYTES}
   */
  static long bytes(TensorDType dtype, long[] shape) {
    long bits = elements(shape) * dtype.bits(); // at most 2^31 · 64
    if (bits % 8 != 0) {
      throw new IllegalArgumentException(
          dtype + Arrays.toString(shape) + " does not end on a whole byte");
    }
    if (bits / 8 > MAX_BYTES) {
      throw new IllegalArgumentException(
          dtype
              + Arrays.toString(shape)
              + " is larger than the "
              + MAX_BYTES
              + " bytes that one tensor may have");
    }
    return bits / 8;
  }
}
