package io.diffuse4j.core.cuda;

import org.bytedeco.cuda.cudart.CUstream_st;

/**
 * An op's shape, prepared by {@link ForeignKernels}. Addresses are device addresses, 0 for what the
 * op does not have. Those of a convolution: source, filter as [outputs, height, width, inputs] in
 * the type that is multiplied, bias in f32, embedding in f32, residual, output. Those of attention:
 * query, key, value, output. Values lie as their op says: NHWC, with its row strides.
 */
public interface ForeignKernel extends AutoCloseable {

  /** Device memory that it needs while it runs; it keeps nothing there. */
  long workspaceBytes();

  /**
   * Puts the op on a stream, which may be capturing: nothing may be allocated on the device or
   * waited for. What is captured runs until this is closed.
   *
   * @param workspace address of {@link #workspaceBytes()}, aligned to 256 bytes
   */
  void enqueue(CUstream_st stream, long[] addresses, long workspace);

  @Override
  void close();
}
