package io.diffuse4j.core.cuda;

import static org.bytedeco.cuda.global.cudart.cuEventCreate;
import static org.bytedeco.cuda.global.cudart.cuEventDestroy;
import static org.bytedeco.cuda.global.cudart.cuEventElapsedTime;
import static org.bytedeco.cuda.global.cudart.cuEventQuery;
import static org.bytedeco.cuda.global.cudart.cuEventRecord;

import org.bytedeco.cuda.cudart.CUevent_st;

/** A mark in the stream: whether the device has come that far. */
final class CudaEvent implements AutoCloseable {
  private static final int DISABLE_TIMING = 2;

  private final CudaContext context;
  private final CUevent_st event = new CUevent_st();

  CudaEvent(CudaContext context) {
    this(context, DISABLE_TIMING);
  }

  private CudaEvent(CudaContext context, int flags) {
    this.context = context;
    context.bind();
    CudaDriver.check("cuEventCreate", cuEventCreate(event, flags));
  }

  /** An event that knows when it was reached. */
  static CudaEvent timing(CudaContext context) {
    return new CudaEvent(context, 0);
  }

  /** Milliseconds from an earlier event to this one; both must be done. */
  float millisecondsSince(CudaEvent earlier) {
    context.bind();
    float[] milliseconds = new float[1];
    CudaDriver.check("cuEventElapsedTime", cuEventElapsedTime(milliseconds, earlier.event, event));
    return milliseconds[0];
  }

  void record(CudaStream stream) {
    context.bind();
    CudaDriver.check("cuEventRecord", cuEventRecord(event, stream.handle()));
  }

  boolean isDone() {
    context.bind();
    return CudaDriver.isReady("cuEventQuery", cuEventQuery(event));
  }

  @Override
  public void close() {
    context.bind();
    CudaDriver.check("cuEventDestroy", cuEventDestroy(event));
  }
}
