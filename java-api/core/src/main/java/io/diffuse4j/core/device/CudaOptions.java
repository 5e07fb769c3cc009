package io.diffuse4j.core.device;

/**
 * How a cuda device is set up.
 *
 * @param index which GPU, as the driver numbers them, from 0
 * @param memoryLimit budget in bytes for weights, activations and scratch
 */
public record CudaOptions(int index, long memoryLimit) {

  public CudaOptions {
    if (index < 0) {
      throw new IllegalArgumentException("index is " + index + "; it must not be negative");
    }
    if (memoryLimit < 1) {
      throw new IllegalArgumentException("memoryLimit is " + memoryLimit + "; it must be positive");
    }
  }

  /** The first GPU, without a budget. */
  public static CudaOptions defaults() {
    return new CudaOptions(0, Long.MAX_VALUE);
  }

  public CudaOptions withIndex(int value) {
    return new CudaOptions(value, memoryLimit);
  }

  public CudaOptions withMemoryLimit(long bytes) {
    return new CudaOptions(index, bytes);
  }
}
