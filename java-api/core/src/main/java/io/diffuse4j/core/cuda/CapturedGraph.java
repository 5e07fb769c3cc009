package io.diffuse4j.core.cuda;

import static org.bytedeco.cuda.global.cudart.cuGraphDestroy;
import static org.bytedeco.cuda.global.cudart.cuStreamBeginCapture;
import static org.bytedeco.cuda.global.cudart.cuStreamEndCapture;

import java.util.function.Consumer;
import org.bytedeco.cuda.cudart.CUgraph_st;
import org.bytedeco.cuda.cudart.CUstream_st;

/** Work that others put on a stream, as a CUDA graph: a child node of ours. */
final class CapturedGraph implements AutoCloseable {
  /** CU_STREAM_CAPTURE_MODE_RELAXED: the library may load its code, and other threads work on. */
  private static final int RELAXED = 2;

  private final CudaContext context;
  private final String name;
  private final CUgraph_st graph = new CUgraph_st();

  /**
   * Captures on a stream of its own.
   *
   * @param name for reports
   */
  CapturedGraph(CudaContext context, String name, Consumer<CUstream_st> work) {
    this.context = context;
    this.name = name;
    try (CudaStream stream = new CudaStream(context)) {
      CudaDriver.check("cuStreamBeginCapture", cuStreamBeginCapture(stream.handle(), RELAXED));
      try {
        work.accept(stream.handle());
      } catch (Throwable t) {
        // Ends the capture; what came of it is nobody's.
        if (cuStreamEndCapture(stream.handle(), graph) == 0 && !graph.isNull()) {
          cuGraphDestroy(graph);
        }
        throw t;
      }
      CudaDriver.check("cuStreamEndCapture", cuStreamEndCapture(stream.handle(), graph));
    }
  }

  CUgraph_st handle() {
    return graph;
  }

  String name() {
    return name;
  }

  @Override
  public void close() {
    if (!graph.isNull()) {
      context.bind();
      CudaDriver.check("cuGraphDestroy", cuGraphDestroy(graph));
      graph.setNull();
    }
  }
}
