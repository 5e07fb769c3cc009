package io.diffuse4j.core.cpu;

import io.diffuse4j.core.op.DeviceBuffer;
import io.diffuse4j.core.op.MemoryView;
import io.diffuse4j.core.op.NativeStatus;
import io.diffuse4j.natives.CpuOps;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.ShortPointer;

/** 64-byte aligned native memory, freed by {@link #close()} alone. */
final class CpuBuffer implements DeviceBuffer {
  private final CpuMemory memory;
  private final long bytes;
  private long address;

  CpuBuffer(CpuMemory memory, long address, long bytes) {
    this.memory = memory;
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

  private MemoryView view(long byteOffset, long count, int elementBytes) {
    return new MemoryView(at(byteOffset, count, elementBytes));
  }

  @Override
  public void upload(long byteOffset, float[] source, int from, int count) {
    new FloatPointer(view(byteOffset, count, Float.BYTES)).put(source, from, count);
  }

  @Override
  public void upload(long byteOffset, int[] source, int from, int count) {
    new IntPointer(view(byteOffset, count, Integer.BYTES)).put(source, from, count);
  }

  @Override
  public void upload(long byteOffset, short[] source, int from, int count) {
    new ShortPointer(view(byteOffset, count, Short.BYTES)).put(source, from, count);
  }

  @Override
  public void download(long byteOffset, float[] target, int from, int count) {
    new FloatPointer(view(byteOffset, count, Float.BYTES)).get(target, from, count);
  }

  @Override
  public void close() {
    if (address != 0) {
      NativeStatus.check("d4j_memory_free", CpuOps.d4j_memory_free(address));
      address = 0;
      memory.freed(bytes);
    }
  }
}
