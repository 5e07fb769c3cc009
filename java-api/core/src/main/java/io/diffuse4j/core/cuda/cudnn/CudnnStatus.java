package io.diffuse4j.core.cuda.cudnn;

import static org.bytedeco.cuda.global.cudnn.cudnnGetErrorString;

import io.diffuse4j.core.device.DeviceException;

/** The one place where a status of cuDNN becomes an exception. */
final class CudnnStatus {
  private CudnnStatus() {}

  /** Throws what a status means, if it is not success. */
  static void check(String call, int status) {
    if (status != 0) {
      throw new DeviceException(call, status, cudnnGetErrorString(status).getString());
    }
  }
}
