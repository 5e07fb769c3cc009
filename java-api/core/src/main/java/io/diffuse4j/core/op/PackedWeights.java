package io.diffuse4j.core.op;

/**
 * A model's parameters on a device, in the layouts its kernels want; immutable, shared by plans.
 */
public interface PackedWeights extends AutoCloseable {
  long bytes();

  @Override
  void close();
}
