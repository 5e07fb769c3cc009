package io.diffuse4j.natives;

import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * What every binding class of this package inherits: one library, and oneDNN with its OpenMP
 * runtime loaded before it from the JavaCPP preset's jar.
 */
@Properties(
    value =
        @Platform(
            library = "jnidiffuse4j",
            link = {"dnnl@.3"},
            preload = {"gomp@.1", "dnnl@.3"},
            preloadresource = "/org/bytedeco/dnnl/"))
public final class NativeConfig {
  private NativeConfig() {}
}
