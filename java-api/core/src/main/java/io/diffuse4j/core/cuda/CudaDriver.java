package io.diffuse4j.core.cuda;

import static org.bytedeco.cuda.global.cudart.cuDeviceGetCount;
import static org.bytedeco.cuda.global.cudart.cuGetErrorName;
import static org.bytedeco.cuda.global.cudart.cuGetErrorString;
import static org.bytedeco.cuda.global.cudart.cuInit;

import io.diffuse4j.core.device.DeviceException;
import io.diffuse4j.core.device.VirtualProfile;
import io.diffuse4j.natives.CudaRuntimeLibrary;
import io.diffuse4j.natives.VirtualGpuControl;
import io.diffuse4j.natives.VirtualGpuDriver;
import io.diffuse4j.natives.VirtualGpuLibrary;
import java.util.Locale;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;

/** The process's CUDA driver, and the one place where a CUresult becomes an exception. */
final class CudaDriver {
  private static final int OUT_OF_MEMORY = 2;
  private static final int NOT_READY = 600;

  private CudaDriver() {}

  /**
   * Makes the virtual GPU this process's driver.
   *
   * @throws IllegalStateException if it has a real one already, or a virtual one of another profile
   */
  static void openVirtual(VirtualProfile profile) {
    VirtualGpuLibrary.load();
    // Ends with an error that says so if there is a context of another profile.
    new VirtualGpuDriver().configure("profile=" + profile.name().toLowerCase(Locale.ROOT));
    initialise();
  }

  /**
   * Loads the machine's driver.
   *
   * @throws IllegalStateException if this process runs on the virtual GPU, or there is no driver
   */
  static void openReal() {
    if (VirtualGpuControl.d4j_vgpu_driver() == VirtualGpuControl.VIRTUAL) {
      throw new IllegalStateException(
          "this process has opened a virtual device, and a process has only one CUDA driver: use a"
              + " cuda device in a process of its own");
    }
    // Asked first: JavaCPP's classes that once failed to load do not try again, and would be lost
    // to a virtual device.
    if (VirtualGpuControl.d4j_cuda_driver_found() == 0) {
      throw new IllegalStateException(
          "no CUDA driver (libcuda.so.1): install an NVIDIA driver, or use the cpu device");
    }
    initialise();
    int[] count = new int[1];
    check("cuDeviceGetCount", cuDeviceGetCount(count));
    if (count[0] == 0) {
      throw new IllegalStateException("the CUDA driver finds no GPU; use the cpu device");
    }
  }

  private static void initialise() {
    try {
      CudaRuntimeLibrary.load();
      check("cuInit", cuInit(0));
    } catch (LinkageError e) {
      throw new IllegalStateException(
          "the JavaCPP CUDA presets are missing or cannot load: add the artifact diffuse4j-kernels,"
              + " which brings them ("
              + e
              + ")",
          e);
    }
  }

  /** Throws what a result means, if it is not success. */
  static void check(String call, int result) {
    if (result != 0) {
      throw new DeviceException(call, result, describe(result));
    }
  }

  /** As {@link #check}, of a query: false while it is not ready. */
  static boolean isReady(String call, int result) {
    if (result == NOT_READY) {
      return false;
    }
    check(call, result);
    return true;
  }

  static boolean isOutOfMemory(int result) {
    return result == OUT_OF_MEMORY;
  }

  private static String describe(int result) {
    try (PointerPointer<BytePointer> text = new PointerPointer<>(1)) {
      String name = cuGetErrorName(result, text) == 0 ? string(text) : "unknown error";
      return cuGetErrorString(result, text) == 0 ? name + ", " + string(text) : name;
    }
  }

  private static String string(PointerPointer<BytePointer> text) {
    return text.get(BytePointer.class, 0).getString();
  }
}
