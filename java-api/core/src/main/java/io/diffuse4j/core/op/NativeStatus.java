package io.diffuse4j.core.op;

import io.diffuse4j.core.device.DeviceException;
import io.diffuse4j.natives.NativeLibrary;

/** The one place where a status of the native library becomes an exception. */
public final class NativeStatus {
  private static final int INVALID_ARGUMENT = 1;
  private static final int OUT_OF_MEMORY = 2;

  private NativeStatus() {}

  /** Throws what {@code status} means, if it is not success. */
  public static void check(String call, int status) {
    if (status == 0) {
      return;
    }
    String reason = NativeLibrary.d4j_last_error();
    switch (status) {
      case INVALID_ARGUMENT -> throw new IllegalArgumentException(call + ": " + reason);
      case OUT_OF_MEMORY -> throw new OutOfMemoryError(call + ": " + reason);
      default -> throw new DeviceException(call, status, reason);
    }
  }
}
