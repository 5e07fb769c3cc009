package io.diffuse4j.core.op;

/**
 * A graph compiled for a device: its ops in one flat list with fixed addresses in one arena.
 * Running it allocates nothing, on the device or on the heap. One run at a time.
 */
public interface Plan extends AutoCloseable {

  /** Device address of the first element of an input or output of the graph. */
  long address(Value value);

  /** The memory that the plan's values lie in. */
  DeviceBuffer arena();

  /** Byte offset of a value's first element in the arena. */
  long offset(Value value);

  /** Device bytes the plan owns: activations and scratch. */
  long bytes();

  @Override
  void close();
}
