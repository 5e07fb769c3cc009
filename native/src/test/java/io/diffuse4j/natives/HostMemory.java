package io.diffuse4j.natives;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/** A view of native memory at an address, for tests. */
final class HostMemory extends BytePointer {
  HostMemory(long address, long bytes) {
    super((Pointer) null);
    this.address = address;
    this.limit = bytes;
    this.capacity = bytes;
  }
}
