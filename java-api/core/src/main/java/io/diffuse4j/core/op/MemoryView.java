package io.diffuse4j.core.op;

import org.bytedeco.javacpp.Pointer;

/** A JavaCPP pointer to memory that JavaCPP does not own. */
public final class MemoryView extends Pointer {
  public MemoryView(long address) {
    this.address = address;
  }
}
