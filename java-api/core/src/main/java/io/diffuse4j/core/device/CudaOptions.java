package io.diffuse4j.core.device;

/**
 * How a cuda device is set up.
 *
 * @param index which GPU, as the driver numbers them, from 0
 * @param memoryLimit budget in bytes for weights, activations and scratch
 * @param cudnn whether convolutions and attention may run on cuDNN, where it is installed and
 *     measures faster than our kernels; without cuDNN it makes no difference
 */
public record CudaOptions(int index, long memoryLimit, boolean cudnn) {

  public CudaOptions {
    if (index < 0) {
      throw new IllegalArgumentException("index is " + index + "; it must not be negative");
    }
    if (memoryLimit < 1) {
      throw new IllegalArgumentException("memoryLimit is " + memoryLimit + "; it must be positive");
    }
  }

  /** The first GPU, without a budget, and with cuDNN where it is faster. */
  public static CudaOptions defaults() {
    return new CudaOptions(0, Long.MAX_VALUE, true);
  }

  public CudaOptions withIndex(int value) {
    return new CudaOptions(value, memoryLimit, cudnn);
  }

  public CudaOptions withMemoryLimit(long bytes) {
    return new CudaOptions(index, bytes, cudnn);
  }

  /** Whether cuDNN may be used. */
  public CudaOptions withCudnn(boolean value) {
    return new CudaOptions(index, memoryLimit, value);
  }
}
