package io.diffuse4j.natives;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * {@code d4j_vgpu.h}: the control API of the virtual GPU that this process has loaded. Every {@code
 * int} result but the driver's kind is a status, 0 for success, and its message is {@link
 * NativeLibrary#d4j_last_error()}. {@link VirtualGpuDriver} is the same with Java types.
 */
@Properties(
    inherit = NativeConfig.class,
    value = @Platform(include = "d4j_vgpu.h", library = "jnidiffuse4j"))
public final class VirtualGpuControl {
  /** No libcuda is loaded. */
  public static final int NO_DRIVER = 0;

  /** The loaded libcuda is the virtual GPU. */
  public static final int VIRTUAL = 1;

  /** The loaded libcuda is another one. */
  public static final int OTHER_DRIVER = 2;

  static {
    Loader.load();
  }

  private VirtualGpuControl() {}

  /** Which libcuda this process has loaded. */
  public static native int d4j_vgpu_driver();

  /** 1 if a libcuda is loaded or can be. */
  public static native int d4j_cuda_driver_found();

  /** Applies settings written as in {@code DIFFUSE4J_VGPU}. */
  public static native int d4j_vgpu_configure(String settings);

  /** Destroys every context and forgets everything but the settings. */
  public static native int d4j_vgpu_reset();

  /** Names the allocation site of this thread's next calls; an empty label ends it. */
  public static native int d4j_vgpu_label_caller(String label);

  /** Makes {@code times} calls of that name fail after {@code skip} more; "*" is any name. */
  public static native int d4j_vgpu_fail_calls(
      String name, @Cast("int64_t") long skip, @Cast("int64_t") long times, int result);

  /** Forgets a record. */
  public static native int d4j_vgpu_clear(String what);

  /** Bytes that the record needs with its final NUL; writes what fits, 0 for an unknown record. */
  public static native @Cast("int64_t") long d4j_vgpu_read(
      String what, @Cast("char*") byte[] buffer, @Cast("int64_t") long capacity);
}
