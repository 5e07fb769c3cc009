package io.diffuse4j.core.cpu;

import io.diffuse4j.core.device.DeviceMemoryException;
import io.diffuse4j.natives.CpuOps;

/** A device's budget, and the allocations that count against it. Thread-safe. */
final class CpuMemory {
  private final long limit;
  private long used;

  /**
   * Nothing allocated yet.
   *
   * @param limit bytes, or {@link Long#MAX_VALUE}
   */
  CpuMemory(long limit) {
    this.limit = limit;
  }

  CpuBuffer allocate(String what, long bytes) {
    reserve(what, bytes);
    long[] address = new long[1];
    int status = CpuOps.d4j_memory_alloc(bytes, address);
    if (status != 0) {
      freed(bytes);
      Runtime runtime = Runtime.getRuntime();
      throw new DeviceMemoryException(what, bytes, runtime.maxMemory() - runtime.totalMemory());
    }
    return new CpuBuffer(this, address[0], bytes);
  }

  /** Counts {@code bytes} that native code holds; refuses what does not fit. */
  synchronized void reserve(String what, long bytes) {
    if (bytes > limit - used) {
      throw new DeviceMemoryException(what, bytes, limit - used);
    }
    used += bytes;
  }

  synchronized void freed(long bytes) {
    used -= bytes;
  }
}
