package io.diffuse4j.natives;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.bytedeco.javacpp.Loader;

/**
 * The virtual GPU's {@code libcuda.so.1}. A process has one CUDA driver, because the real one and
 * this share a name: whichever is loaded first stays. Call {@link #load()} before the first class
 * of the JavaCPP CUDA presets is used; everything that they call then runs on the virtual GPU.
 */
public final class VirtualGpuLibrary {
  private VirtualGpuLibrary() {}

  /**
   * The file to preload or to put on {@code LD_LIBRARY_PATH}; unpacked from the jar on first use.
   *
   * @throws IllegalStateException if this platform has no virtual GPU
   */
  public static Path path() {
    return resource("libcuda.so.1");
  }

  /**
   * Makes the virtual GPU this process's CUDA driver. Does nothing if it is already. Thread-safe.
   *
   * @throws IllegalStateException if another CUDA driver is loaded in this process
   */
  public static void load() {
    synchronized (VirtualGpuLibrary.class) {
      int driver = VirtualGpuControl.d4j_vgpu_driver();
      if (driver == VirtualGpuControl.VIRTUAL) {
        return;
      }
      if (driver == VirtualGpuControl.OTHER_DRIVER) {
        throw new IllegalStateException(
            "this process has already loaded a real CUDA driver, and a process has only one: use"
                + " the virtual GPU in a process that has not opened a cuda device");
      }
      System.load(path().toString());
    }
  }

  private static Path resource(String name) {
    String location = Loader.getPlatform() + "/" + name;
    try {
      File file = Loader.cacheResource(VirtualGpuLibrary.class, location);
      if (file == null) {
        throw new IllegalStateException("there is no virtual GPU for " + Loader.getPlatform());
      }
      return file.toPath();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot unpack " + location + " to JavaCPP's cache", e);
    }
  }
}
