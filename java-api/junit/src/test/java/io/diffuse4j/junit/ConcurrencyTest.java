package io.diffuse4j.junit;

import static io.diffuse4j.junit.Driver.*;
import static org.bytedeco.cuda.global.cudart.*;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.IntPointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Many threads use one context at once. */
@ExtendWith(VirtualGpuExtension.class)
class ConcurrencyTest {
  private static final int THREADS = 8;

  private static final String AXPY =
      """
      extern "C" __global__ void axpy(float s, const float* x, float* y, int n) {
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i < n) y[i] += s * x[i];
      }
      """;

  @Test
  @VirtualGpuSettings("threads=1,schedule=random:3")
  void eachThreadGetsItsOwnResults(VirtualGpu gpu) throws Exception {
    Kernel axpy = gpu.compile(AXPY).kernel("axpy");
    inParallel(
        thread -> {
          ok(cuCtxSetCurrent(gpu.context()));
          CUstream_st stream = stream(NON_BLOCKING);
          CudaCalls calls = new CudaCalls(gpu.driver());
          for (int round = 0; round < 20; round++) {
            try (DeviceArray x = new DeviceArray(calls, 400);
                DeviceArray y = new DeviceArray(calls, 400)) {
              x.set(filled(thread + 1f));
              y.set(filled(round));
              for (int i = 0; i < 5; i++) {
                axpy.launch(stream, LaunchShape.covering(100, 32), 2f, x, y, 100);
              }
              ok(cuStreamSynchronize(stream));
              assertArrayEquals(filled(round + 10f * (thread + 1)), y.toFloats());
            }
          }
          ok(cuStreamDestroy(stream));
        });
  }

  @Test
  void threadsHandWorkToEachOtherThroughEvents(VirtualGpu gpu) throws Exception {
    // A chain over all threads' streams: each adds a link by copying its predecessor's cell.
    List<CUstream_st> streams = new ArrayList<>();
    List<CUevent_st> events = new ArrayList<>();
    long cells = alloc(4L * (THREADS + 1));
    ok(cuMemsetD32(cells, 0, THREADS + 1));
    for (int i = 0; i <= THREADS; i++) {
      streams.add(stream(NON_BLOCKING));
      events.add(event());
    }
    ok(cuCtxSynchronize());
    ok(cuMemsetD32Async(cells, 123, 1, streams.get(0)));
    ok(cuEventRecord(events.get(0), streams.get(0)));
    for (int i = 1; i <= THREADS; i++) {
      ok(cuStreamWaitEvent(streams.get(i), events.get(i - 1), 0));
      ok(cuMemcpyDtoDAsync(cells + 4L * i, cells + 4L * (i - 1), 4, streams.get(i)));
      ok(cuEventRecord(events.get(i), streams.get(i)));
    }
    inParallel(
        thread -> {
          ok(cuCtxSetCurrent(gpu.context()));
          ok(cuEventSynchronize(events.get(THREADS - thread)));
          assertEquals(123, readInt(cells + 4L * (THREADS - thread)));
        });
    ok(cuMemFree(cells));
  }

  @Test
  void allocationsAndCopiesFromManyThreadsBalance(VirtualGpu gpu) throws Exception {
    int before = gpu.driver().allocations().size();
    inParallel(
        thread -> {
          ok(cuCtxSetCurrent(gpu.context()));
          for (int i = 0; i < 200; i++) {
            long address = alloc(64 + i);
            try (IntPointer host = new IntPointer(1).put(thread * 1000 + i)) {
              ok(cuMemcpyHtoD(address, host, 4));
            }
            assertEquals(thread * 1000 + i, readInt(address));
            ok(cuMemFree(address));
          }
        });
    assertEquals(before, gpu.driver().allocations().size());
  }

  private interface Body {
    void run(int thread);
  }

  private static void inParallel(Body body) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(THREADS);
    try {
      List<Future<?>> running = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        int thread = i;
        running.add(pool.submit(() -> body.run(thread)));
      }
      for (Future<?> one : running) {
        one.get();
      }
    } finally {
      pool.shutdownNow();
    }
  }

  private static float[] filled(float value) {
    float[] values = new float[100];
    java.util.Arrays.fill(values, value);
    return values;
  }
}
