package io.diffuse4j.core.device;

/** What kind of device runs the ops. */
public enum DeviceKind {
  /** oneDNN and our own C++. */
  CPU,
  /** Our CUDA kernels on a GPU. */
  CUDA,
  /** The same kernels, through the same driver calls, on the virtual GPU. */
  VIRTUAL
}
