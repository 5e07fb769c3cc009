package io.diffuse4j.core.cuda;

import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.op.Op;
import java.util.Optional;

/**
 * A library of kernels that are not ours, for convolutions and attention. {@link KernelChooser}
 * asks it for ops and uses what measures faster. Any thread may call it and its kernels, with the
 * context bound. It may fail as it likes: then our kernels are used.
 */
public interface ForeignKernels extends AutoCloseable {

  /** Name and version, such as {@code cuDNN 9.25.0}; choices are remembered for each. */
  String version();

  /**
   * Prepares what computes an op with its shape, whatever its addresses.
   *
   * @param op an {@link Op.Conv2d} of one source without upsampling, or an {@link Op.Attention}
   * @param multiplied what the op's operands are multiplied in
   * @return empty if the library does not compute that; else closed by the caller, before this
   */
  Optional<ForeignKernel> prepare(Op op, DType multiplied);

  @Override
  void close();
}
