package io.diffuse4j.junit;

import static io.diffuse4j.junit.Driver.*;
import static org.bytedeco.cuda.global.cudart.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUhostFn;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Queued work happens when something needs it, and in any order that the program allows. */
@ExtendWith(VirtualGpuExtension.class)
class StreamOrderTest {
  @Test
  void pinnedCopyHasNotHappenedBeforeTheStreamIsSynchronized(VirtualGpu gpu) {
    CUstream_st stream = stream(NON_BLOCKING);
    long device = alloc(4);
    IntPointer host = pinned(1).put(7);
    ok(cuMemsetD32Async(device, 42, 1, stream));
    ok(cuMemcpyDtoHAsync(host, device, 4, stream));
    assertEquals(7, host.get());
    ok(cuStreamSynchronize(stream));
    assertEquals(42, host.get());
    ok(cuMemFree(device));
    ok(cuMemFreeHost(host));
  }

  @Test
  void pageableSourceIsReadDuringTheCall(VirtualGpu gpu) {
    CUstream_st stream = stream(NON_BLOCKING);
    long device = alloc(4);
    try (IntPointer host = new IntPointer(1).put(5)) {
      ok(cuMemcpyHtoDAsync(device, host, 4, stream));
      host.put(6);
    }
    ok(cuStreamSynchronize(stream));
    assertEquals(5, readInt(device));
    ok(cuMemFree(device));
  }

  @Test
  void pinnedSourceIsReadWhenTheCopyRuns(VirtualGpu gpu) {
    CUstream_st stream = stream(NON_BLOCKING);
    long device = alloc(4);
    IntPointer host = pinned(1).put(5);
    ok(cuMemcpyHtoDAsync(device, host, 4, stream));
    host.put(6); // a race on a real device, and here the later value always wins
    ok(cuStreamSynchronize(stream));
    assertEquals(6, readInt(device));
    ok(cuMemFree(device));
    ok(cuMemFreeHost(host));
  }

  @Test
  void missingEventShowsStaleData(VirtualGpu gpu) {
    assertEquals(0, crossStreamRead(false));
  }

  @Test
  void waitingForTheEventShowsTheData(VirtualGpu gpu) {
    assertEquals(9, crossStreamRead(true));
  }

  @Test
  @VirtualGpuSettings("schedule=reverse")
  void reverseScheduleOverwritesWhatAMissingEventLeavesUnprotected(VirtualGpu gpu) {
    // Written 1, then read into `copy`; the second stream overwrites with 2 without waiting.
    CUstream_st reader = stream(NON_BLOCKING);
    CUstream_st writer = stream(NON_BLOCKING);
    long data = alloc(4);
    long copy = alloc(4);
    ok(cuMemsetD32(data, 1, 1));
    ok(cuCtxSynchronize());
    ok(cuMemcpyDtoDAsync(copy, data, 4, reader));
    ok(cuMemsetD32Async(data, 2, 1, writer));
    ok(cuStreamSynchronize(reader));
    assertEquals(2, readInt(copy));
    ok(cuMemFree(data));
    ok(cuMemFree(copy));
  }

  @Test
  void legacyStreamWaitsForBlockingStreamsAndTheyForIt(VirtualGpu gpu) {
    CUstream_st blocking = stream(0);
    long data = alloc(4);
    long copy = alloc(4);
    ok(cuMemsetD32Async(data, 3, 1, blocking));
    ok(cuMemcpyDtoDAsync(copy, data, 4, null)); // legacy: after the memset
    ok(cuMemsetD32Async(data, 4, 1, blocking)); // after the copy
    ok(cuStreamSynchronize(blocking));
    assertEquals(3, readInt(copy));
    assertEquals(4, readInt(data));
    ok(cuMemFree(data));
    ok(cuMemFree(copy));
  }

  @Test
  void nonBlockingStreamDoesNotWaitForTheLegacyStream(VirtualGpu gpu) {
    CUstream_st stream = stream(NON_BLOCKING);
    long data = alloc(4);
    IntPointer host = pinned(1).put(-1);
    ok(cuMemsetD32(data, 1, 1));
    ok(cuCtxSynchronize());
    ok(cuMemsetD32Async(data, 2, 1, null));
    ok(cuMemcpyDtoHAsync(host, data, 4, stream));
    ok(cuStreamSynchronize(stream));
    assertEquals(1, host.get());
    ok(cuMemFree(data));
    ok(cuMemFreeHost(host));
  }

  @Test
  void queriesMakeProgressUntilTheWorkIsDone(VirtualGpu gpu) {
    CUstream_st stream = stream(NON_BLOCKING);
    long data = alloc(4);
    for (int i = 0; i < 5; i++) {
      ok(cuMemsetD32Async(data, i, 1, stream));
    }
    CUevent_st done = event();
    ok(cuEventRecord(done, stream));
    assertEquals(NOT_READY, cuEventQuery(done));
    int polls = 1;
    while (cuStreamQuery(stream) == NOT_READY) {
      polls++;
    }
    assertTrue(polls >= 4, "polls: " + polls);
    ok(cuEventQuery(done));
    ok(cuEventDestroy(done));
    ok(cuMemFree(data));
  }

  @Test
  void hostFunctionsRunInStreamOrderAndMustNotCallTheDriver(VirtualGpu gpu) {
    CUstream_st stream = stream(NON_BLOCKING);
    List<Integer> seen = new CopyOnWriteArrayList<>();
    try (CUhostFn function =
        new CUhostFn() {
          @Override
          public void call(Pointer data) {
            seen.add(cuStreamSynchronize(stream));
          }
        }) {
      ok(cuLaunchHostFunc(stream, function, null));
      ok(cuLaunchHostFunc(stream, function, null));
      assertTrue(seen.isEmpty());
      ok(cuStreamSynchronize(stream));
    }
    assertEquals(List.of(NOT_PERMITTED, NOT_PERMITTED), seen);
  }

  @Test
  void eventsMeasureModelledTime(VirtualGpu gpu) {
    CUstream_st stream = stream(NON_BLOCKING);
    long data = alloc(64 << 20);
    CUevent_st start = event();
    CUevent_st end = event();
    ok(cuEventRecord(start, stream));
    ok(cuMemsetD8Async(data, (byte) 1, 64 << 20, stream));
    ok(cuEventRecord(end, stream));
    float[] milliseconds = new float[1];
    assertEquals(NOT_READY, cuEventElapsedTime(milliseconds, start, end));
    ok(cuEventSynchronize(end));
    ok(cuEventElapsedTime(milliseconds, start, end));
    // 64 MiB written and counted twice over A100's 2.039 TB/s, plus 2 us to launch.
    assertEquals(2 * 67.108864 / 2039 + 0.002, milliseconds[0], 1e-5);
    ok(cuEventDestroy(start));
    ok(cuEventDestroy(end));
    ok(cuMemFree(data));
  }

  @Test
  void destroyedStreamsFinishTheirWork(VirtualGpu gpu) {
    CUstream_st stream = stream(0);
    long data = alloc(4);
    ok(cuMemsetD32Async(data, 8, 1, stream));
    ok(cuStreamDestroy(stream));
    assertEquals(8, readInt(data));
    assertEquals(INVALID_HANDLE, cuStreamSynchronize(stream));
    ok(cuMemFree(data));
  }

  /** What a copy on one stream sees of a memset on another. */
  private static int crossStreamRead(boolean wait) {
    CUstream_st producer = stream(NON_BLOCKING);
    CUstream_st consumer = stream(NON_BLOCKING);
    long data = alloc(4);
    IntPointer host = pinned(1).put(-1);
    ok(cuMemsetD32(data, 0, 1));
    ok(cuCtxSynchronize());
    ok(cuMemsetD32Async(data, 9, 1, producer));
    CUevent_st written = event();
    ok(cuEventRecord(written, producer));
    if (wait) {
      ok(cuStreamWaitEvent(consumer, written, 0));
    }
    ok(cuMemcpyDtoHAsync(host, data, 4, consumer));
    ok(cuStreamSynchronize(consumer));
    int seen = host.get();
    ok(cuEventDestroy(written));
    ok(cuMemFree(data));
    ok(cuMemFreeHost(host));
    return seen;
  }
}
