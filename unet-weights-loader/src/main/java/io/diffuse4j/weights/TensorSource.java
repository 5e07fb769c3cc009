package io.diffuse4j.weights;

import java.util.Set;

/**
 * Named tensors of a file or of several, in their published layout. Safe for use by several
 * threads.
 *
 * <p>After {@link #close()} every method but {@code close} throws {@link IllegalStateException}.
 * Tensors handed out before stay valid: they hold the mapping they read from, and it goes when the
 * garbage collector finds the last of them gone.
 */
public interface TensorSource extends AutoCloseable {
  /** The names of all tensors, in the order of their data; unmodifiable. */
  Set<String> names();

  /** Whether there is a tensor of this name. */
  boolean has(String name);

  /**
   * The tensor of this name.
   *
   * @throws InvalidModelException if there is none; the message names the file and the names that
   *     come closest
   */
  HostTensor get(String name);

  /** What messages call this source: the path of its file. */
  String origin();

  /** Lets go of the files; idempotent. */
  @Override
  void close();
}
