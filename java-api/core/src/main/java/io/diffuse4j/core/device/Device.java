package io.diffuse4j.core.device;

import io.diffuse4j.core.cpu.CpuDevice;
import io.diffuse4j.core.engine.NativeResource;

/**
 * What runs models. Open one for an application and share it: all threads may load models on it and
 * run them, and close it last.
 */
public abstract sealed class Device extends NativeResource permits CpuDevice {

  protected Device() {
    super(null);
  }

  /** The cpu with every processor that this process may use. */
  public static Device cpu() {
    return cpu(CpuOptions.defaults());
  }

  public static Device cpu(CpuOptions options) {
    return new CpuDevice(options);
  }

  public abstract DeviceKind kind();

  /** One line for people: what it is and what it uses. */
  public abstract String description();

  /** Whether models can be loaded in this dtype. */
  public abstract boolean supports(DType dtype);
}
