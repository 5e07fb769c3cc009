package io.diffuse4j.core.device;

/**
 * How the cpu device is set up.
 *
 * @param threads of the one compute pool, 1 to 1024
 * @param memoryLimit budget in bytes for weights, activations and scratch
 */
public record CpuOptions(int threads, long memoryLimit) {
  private static final int MAX_THREADS = 1024;

  public CpuOptions {
    if (threads < 1 || threads > MAX_THREADS) {
      throw new IllegalArgumentException(
          "threads is " + threads + "; it must be 1 to " + MAX_THREADS);
    }
    if (memoryLimit < 1) {
      throw new IllegalArgumentException("memoryLimit is " + memoryLimit + "; it must be positive");
    }
  }

  /** Every processor that this process may use, and no budget. */
  public static CpuOptions defaults() {
    return new CpuOptions(
        Math.min(MAX_THREADS, Runtime.getRuntime().availableProcessors()), Long.MAX_VALUE);
  }

  public CpuOptions withThreads(int count) {
    return new CpuOptions(count, memoryLimit);
  }

  public CpuOptions withMemoryLimit(long bytes) {
    return new CpuOptions(threads, bytes);
  }
}
