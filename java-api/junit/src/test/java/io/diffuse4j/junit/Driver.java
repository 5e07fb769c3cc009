package io.diffuse4j.junit;

import static org.bytedeco.cuda.global.cudart.*;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerPointer;

/** Calls of the driver API as these tests make them, and the numbers they pass. */
final class Driver {
  static final int SUCCESS = 0;
  static final int INVALID_VALUE = 1;
  static final int OUT_OF_MEMORY = 2;
  static final int INVALID_PTX = 218;
  static final int INVALID_HANDLE = 400;
  static final int NOT_FOUND = 500;
  static final int NOT_READY = 600;
  static final int ILLEGAL_ADDRESS = 700;
  static final int LAUNCH_OUT_OF_RESOURCES = 701;
  static final int NOT_PERMITTED = 800;
  static final int NOT_SUPPORTED = 801;
  static final int NON_BLOCKING = 1;

  private Driver() {}

  static void ok(int result) {
    assertEquals(SUCCESS, result);
  }

  static CUstream_st stream(int flags) {
    CUstream_st stream = new CUstream_st();
    ok(cuStreamCreate(stream, flags));
    return stream;
  }

  static CUevent_st event() {
    CUevent_st event = new CUevent_st();
    ok(cuEventCreate(event, 0));
    return event;
  }

  static long alloc(long bytes) {
    long[] address = new long[1];
    ok(cuMemAlloc(address, bytes));
    return address[0];
  }

  /** Pinned host memory: copies to and from it are really asynchronous. */
  static IntPointer pinned(int count) {
    try (PointerPointer<IntPointer> host = new PointerPointer<>(1)) {
      ok(cuMemHostAlloc(host, 4L * count, 0));
      return host.get(IntPointer.class).capacity(count);
    }
  }

  static int readInt(long address) {
    try (IntPointer host = new IntPointer(1)) {
      ok(cuMemcpyDtoH(host, address, 4));
      return host.get();
    }
  }
}
