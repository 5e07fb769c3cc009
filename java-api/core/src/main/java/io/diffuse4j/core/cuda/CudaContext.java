package io.diffuse4j.core.cuda;

import static org.bytedeco.cuda.global.cudart.cuCtxSetCurrent;
import static org.bytedeco.cuda.global.cudart.cuDeviceGet;
import static org.bytedeco.cuda.global.cudart.cuDeviceGetAttribute;
import static org.bytedeco.cuda.global.cudart.cuDeviceGetCount;
import static org.bytedeco.cuda.global.cudart.cuDeviceGetName;
import static org.bytedeco.cuda.global.cudart.cuDevicePrimaryCtxRelease;
import static org.bytedeco.cuda.global.cudart.cuDevicePrimaryCtxRetain;
import static org.bytedeco.cuda.global.cudart.cuDriverGetVersion;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.bytedeco.cuda.cudart.CUctx_st;

/** A device's primary context, which its users share. Any thread may call: it binds it first. */
final class CudaContext implements AutoCloseable {
  private static final int MULTIPROCESSOR_COUNT = 16;
  private static final int SHARED_MEMORY_PER_MULTIPROCESSOR = 81;
  private static final int COMPUTE_CAPABILITY_MAJOR = 75;
  private static final int COMPUTE_CAPABILITY_MINOR = 76;
  private static final int NAME_BYTES = 256;

  /**
   * What the choice of launches depends on.
   *
   * @param count of multiprocessors
   * @param sharedBytes of shared memory in each
   */
  record Multiprocessors(int count, int sharedBytes) {}

  private final int device;
  private final String name;
  private final CUctx_st context = new CUctx_st();
  private final Multiprocessors multiprocessors;
  private final int major;
  private final int minor;

  CudaContext(int ordinal) {
    int[] count = new int[1];
    CudaDriver.check("cuDeviceGetCount", cuDeviceGetCount(count));
    if (ordinal < 0 || ordinal >= count[0]) {
      throw new IllegalArgumentException(
          "there is no GPU " + ordinal + "; it must be 0 to " + (count[0] - 1));
    }
    int[] handle = new int[1];
    CudaDriver.check("cuDeviceGet", cuDeviceGet(handle, ordinal));
    device = handle[0];
    byte[] text = new byte[NAME_BYTES];
    CudaDriver.check("cuDeviceGetName", cuDeviceGetName(text, text.length, device));
    name = new String(text, StandardCharsets.UTF_8).split("\0", 2)[0];
    multiprocessors =
        new Multiprocessors(
            attribute(MULTIPROCESSOR_COUNT), attribute(SHARED_MEMORY_PER_MULTIPROCESSOR));
    major = attribute(COMPUTE_CAPABILITY_MAJOR);
    minor = attribute(COMPUTE_CAPABILITY_MINOR);
    CudaDriver.check("cuDevicePrimaryCtxRetain", cuDevicePrimaryCtxRetain(context, device));
  }

  private int attribute(int attribute) {
    int[] value = new int[1];
    CudaDriver.check("cuDeviceGetAttribute", cuDeviceGetAttribute(value, attribute, device));
    return value[0];
  }

  /** Makes it current on this thread. */
  void bind() {
    CudaDriver.check("cuCtxSetCurrent", cuCtxSetCurrent(context));
  }

  String name() {
    return name;
  }

  /** The GPU and what drives it, as measurements depend on them. */
  String identity() {
    int[] version = new int[1];
    CudaDriver.check("cuDriverGetVersion", cuDriverGetVersion(version));
    return name + ", compute capability " + major + "." + minor + ", CUDA " + version[0] + module();
  }

  /** The version of Linux's driver, which the driver API does not tell. */
  private static String module() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/driver/nvidia/version"))) {
      return lines.findFirst().map(line -> ", " + line).orElse("");
    } catch (IOException | UncheckedIOException e) {
      return "";
    }
  }

  Multiprocessors multiprocessors() {
    return multiprocessors;
  }

  int major() {
    return major;
  }

  int minor() {
    return minor;
  }

  @Override
  public void close() {
    CudaDriver.check("cuDevicePrimaryCtxRelease", cuDevicePrimaryCtxRelease(device));
  }
}
