package io.diffuse4j.core.sampler;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/** Zeroed host memory at a fixed, 64-byte aligned address until closed. */
final class OffHeap implements AutoCloseable {
  private static final long ALIGNMENT = 64;

  private Pointer allocation;
  private final long address;
  private final ByteBuffer buffer;

  OffHeap(int bytes) {
    allocation = Pointer.calloc(1, bytes + ALIGNMENT);
    if (allocation == null || allocation.isNull()) {
      throw new OutOfMemoryError("no host memory for " + bytes + " bytes of sampler state");
    }
    address = (allocation.address() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    ByteBuffer whole = new BytePointer(allocation).capacity(bytes + ALIGNMENT).asByteBuffer();
    int skipped = (int) (address - allocation.address());
    buffer = whole.position(skipped).limit(skipped + bytes).slice().order(ByteOrder.nativeOrder());
  }

  long address() {
    return address;
  }

  /** The memory itself; not to be used after {@link #close}. */
  ByteBuffer buffer() {
    return buffer;
  }

  @Override
  public void close() {
    if (allocation != null) {
      Pointer.free(allocation);
      allocation = null;
    }
  }
}
