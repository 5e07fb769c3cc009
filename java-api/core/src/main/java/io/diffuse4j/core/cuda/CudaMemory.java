package io.diffuse4j.core.cuda;

import static org.bytedeco.cuda.global.cudart.cuMemAlloc;
import static org.bytedeco.cuda.global.cudart.cuMemFree;
import static org.bytedeco.cuda.global.cudart.cuMemGetInfo;

import io.diffuse4j.core.device.DeviceMemoryException;
import org.bytedeco.javacpp.SizeTPointer;

/** A device's memory: its budget and the allocations that count against it. Thread-safe. */
final class CudaMemory {
  private final CudaContext context;
  private final CudaStream stream;
  private final long limit;
  private long used;

  /**
   * Nothing allocated yet.
   *
   * @param limit bytes, or {@link Long#MAX_VALUE}
   */
  CudaMemory(CudaContext context, CudaStream stream, long limit) {
    this.context = context;
    this.stream = stream;
    this.limit = limit;
  }

  CudaBuffer allocate(String what, long bytes) {
    reserve(what, bytes);
    try {
      context.bind();
      long[] address = new long[1];
      int result = cuMemAlloc(address, bytes);
      if (CudaDriver.isOutOfMemory(result)) {
        throw new DeviceMemoryException(what, bytes, free());
      }
      CudaDriver.check("cuMemAlloc", result);
      return new CudaBuffer(this, stream, address[0], bytes);
    } catch (Throwable t) {
      unreserve(bytes);
      throw t;
    }
  }

  private static long free() {
    try (SizeTPointer free = new SizeTPointer(1);
        SizeTPointer total = new SizeTPointer(1)) {
      CudaDriver.check("cuMemGetInfo", cuMemGetInfo(free, total));
      return free.get();
    }
  }

  private synchronized void reserve(String what, long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException(what + " of " + bytes + " bytes");
    }
    if (bytes > limit - used) {
      throw new DeviceMemoryException(what, bytes, limit - used);
    }
    used += bytes;
  }

  private synchronized void unreserve(long bytes) {
    used -= bytes;
  }

  /** Frees a buffer once the stream has no more use for it. */
  void free(long address, long bytes) {
    try {
      stream.synchronize();
    } finally {
      unreserve(bytes);
      context.bind();
      CudaDriver.check("cuMemFree", cuMemFree(address));
    }
  }
}
