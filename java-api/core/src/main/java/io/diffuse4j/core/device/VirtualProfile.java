package io.diffuse4j.core.device;

/** Whose sizes and rates the virtual GPU has; the results are the same. */
public enum VirtualProfile {
  A100,
  H100,
  RTX4090
}
