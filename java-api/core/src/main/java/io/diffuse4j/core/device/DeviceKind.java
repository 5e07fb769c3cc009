package io.diffuse4j.core.device;

/** What kind of device runs the ops. */
public enum DeviceKind {
  /** oneDNN and our own C++. */
  CPU
}
