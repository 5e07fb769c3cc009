package io.diffuse4j.core.cuda;

import io.diffuse4j.core.op.DeviceBuffer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.ShortPointer;

/** Device memory of cuMemAlloc, freed by {@link #close()} alone. */
final class CudaBuffer implements DeviceBuffer {
  private final CudaMemory memory;
  private final CudaStream stream;
  private final long bytes;
  private long address;

  CudaBuffer(CudaMemory memory, CudaStream stream, long address, long bytes) {
    this.memory = memory;
    this.stream = stream;
    this.address = address;
    this.bytes = bytes;
  }

  @Override
  public long address() {
    return address;
  }

  @Override
  public long bytes() {
    return bytes;
  }

  /** Copies bytes of native host memory. */
  void upload(long byteOffset, Pointer source, long count) {
    stream.upload(at(byteOffset, count, 1), source, count);
  }

  /** Copies bytes to native host memory and waits for them. */
  void download(long byteOffset, Pointer target, long count) {
    stream.download(target, at(byteOffset, count, 1), count);
  }

  @Override
  public void upload(long byteOffset, float[] source, int from, int count) {
    try (FloatPointer host = new FloatPointer(count)) {
      host.put(source, from, count);
      stream.upload(at(byteOffset, count, Float.BYTES), host, (long) count * Float.BYTES);
    }
  }

  @Override
  public void upload(long byteOffset, int[] source, int from, int count) {
    try (IntPointer host = new IntPointer(count)) {
      host.put(source, from, count);
      stream.upload(at(byteOffset, count, Integer.BYTES), host, (long) count * Integer.BYTES);
    }
  }

  @Override
  public void upload(long byteOffset, short[] source, int from, int count) {
    try (ShortPointer host = new ShortPointer(count)) {
      host.put(source, from, count);
      stream.upload(at(byteOffset, count, Short.BYTES), host, (long) count * Short.BYTES);
    }
  }

  @Override
  public void download(long byteOffset, float[] target, int from, int count) {
    try (FloatPointer host = new FloatPointer(count)) {
      stream.download(host, at(byteOffset, count, Float.BYTES), (long) count * Float.BYTES);
      host.get(target, from, count);
    }
  }

  @Override
  public void close() {
    if (address != 0) {
      long freed = address;
      address = 0;
      memory.free(freed, bytes);
    }
  }
}
