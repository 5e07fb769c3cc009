package io.diffuse4j.natives;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/** {@code d4j_status.h}: the last error of the calling thread, and what was built. */
@Properties(
    inherit = NativeConfig.class,
    value = @Platform(include = "d4j_status.h", library = "jnidiffuse4j"))
public final class NativeLibrary {
  static {
    Loader.load();
  }

  private NativeLibrary() {}

  /** The message of the last call on this thread that returned a status other than 0. */
  public static native @Cast("const char*") String d4j_last_error();

  /** oneDNN's version as {@code major.minor.patch}. */
  public static native @Cast("const char*") String d4j_onednn_version();
}
