package io.diffuse4j.core.sampler;

import io.diffuse4j.natives.NativeLibrary;

/** Turns a status of the sampler's native calls into an exception. */
final class SamplerStatus {
  private static final int OK = 0;
  private static final int INVALID_ARGUMENT = 1;

  private SamplerStatus() {}

  static void check(String call, int status) {
    if (status == OK) {
      return;
    }
    String message = NativeLibrary.d4j_last_error();
    if (status == INVALID_ARGUMENT) {
      throw new IllegalArgumentException(message);
    }
    throw new IllegalStateException(call + " failed (" + status + "): " + message);
  }
}
