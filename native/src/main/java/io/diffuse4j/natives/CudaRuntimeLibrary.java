package io.diffuse4j.natives;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.bytedeco.javacpp.Loader;

/**
 * The one file of the CUDA runtime that the JavaCPP CUDA presets need beside a driver: their {@code
 * libjnicudart.so}, which carries the driver API, is linked against {@code libcudart.so.13}. Our
 * jar brings it, so that applications need not download all of {@code cuda-redist}.
 */
public final class CudaRuntimeLibrary {
  private CudaRuntimeLibrary() {}

  /**
   * Loads the library if this jar holds it, so that the presets find it by its name. Call it after
   * the driver is loaded and before the first class of the presets. Where the jar was built without
   * it (a build with {@code -Dlauncher}), nothing happens and the presets look for their own.
   */
  public static void load() {
    String location = Loader.getPlatform() + "/libcudart.so.13";
    if (CudaRuntimeLibrary.class.getResource(location) == null) {
      return;
    }
    try {
      File file = Loader.cacheResource(CudaRuntimeLibrary.class, location);
      System.load(file.getPath());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot unpack " + location + " to JavaCPP's cache", e);
    }
  }
}
