package io.diffuse4j.core.device;

import io.diffuse4j.core.cpu.CpuDevice;
import io.diffuse4j.core.cuda.CudaDevice;
import io.diffuse4j.core.engine.NativeResource;

/**
 * What runs models. Open one for an application and share it: all threads may load models on it and
 * run them, and close it last.
 */
public abstract sealed class Device extends NativeResource permits CpuDevice, CudaDevice {

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

  /** The first GPU of this machine. */
  public static Device cuda() {
    return cuda(CudaOptions.defaults());
  }

  /**
   * A GPU of this machine. Needs an NVIDIA driver and the artifact {@code diffuse4j-kernels}.
   *
   * @throws IllegalStateException if there is no driver, GPU or artifact, or this process has
   *     opened a virtual device
   * @throws IllegalArgumentException if there is no GPU with that index
   * @throws DeviceException if the driver refuses
   */
  public static Device cuda(CudaOptions options) {
    return CudaDevice.open(options);
  }

  /** Whether a cuda device can be opened here: there are a driver, a GPU and our kernels. */
  public static boolean hasCuda() {
    return CudaDevice.isAvailable();
  }

  /**
   * Whether the first GPU can use cuDNN, which is optional; opens it for that.
   *
   * @throws IllegalStateException if there is no driver, GPU or artifact, as for {@link #cuda()}
   * @throws DeviceException if the driver refuses
   */
  public static CudnnFinding findCudnn() {
    try (CudaDevice device = CudaDevice.open(CudaOptions.defaults())) {
      return device.cudnn();
    }
  }

  /**
   * The virtual GPU: runs what a cuda device runs, on the CPU. For tests, not for speed. Needs the
   * artifact {@code diffuse4j-kernels}.
   *
   * @throws IllegalStateException if this process has loaded a real CUDA driver, or opened a
   *     virtual device of another profile, or the artifact is missing
   */
  public static Device virtual(VirtualOptions options) {
    return CudaDevice.open(options);
  }

  public abstract DeviceKind kind();

  /** One line for people: what it is and what it uses. */
  public abstract String description();

  /** Whether models can be loaded in this dtype. */
  public abstract boolean supports(DType dtype);
}
