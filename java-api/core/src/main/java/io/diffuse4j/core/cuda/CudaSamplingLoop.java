package io.diffuse4j.core.cuda;

import io.diffuse4j.core.engine.NativeResource;
import io.diffuse4j.core.op.SamplingLoop;
import io.diffuse4j.natives.CudaOps;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * The loop as one CUDA graph a step, launched once for each row: the network's kernels and the
 * sampler's, which reads on the device which row is next. Between the first and the last step
 * nothing is allocated, copied or synchronised; the host launches ahead and asks events how far the
 * device is.
 *
 * <p>Why not one graph of all steps: it would hold the same nodes once for each step (thousands),
 * be instantiated anew for every number of steps, and could neither be cancelled nor tell how far
 * it is without host nodes that stop the device. A graph launch costs the host some microseconds,
 * and the device nothing as long as the next launch is queued.
 */
final class CudaSamplingLoop implements SamplingLoop {
  /** More calls than this are never unfinished: one event each. */
  private static final int EVENTS = 8;

  /** Between two questions to an event: a step of a small network takes some hundred times that. */
  private static final long POLL_NANOS = 20_000;

  private final CudaContext context;
  private final CudaPlan plan;
  private final CudaSamplerStep step;
  private final CudaStream stream;
  private final List<CudaEvent> events = new ArrayList<>();
  private final CudaProgram prepare;
  private final List<AutoCloseable> programs = new ArrayList<>();
  private CudaGraph plain;
  private CudaGraph withStatistics;
  private CudaGraph current;
  private int enqueued;
  private int done;

  CudaSamplingLoop(CudaContext context, CudaPlan plan, CudaSamplerStep step) {
    this.context = context;
    this.plan = plan;
    this.step = step;
    stream = step.stream();
    try {
      for (int i = 0; i < EVENTS; i++) {
        events.add(new CudaEvent(context));
      }
      prepare = step.program(false, CudaOps.SAMPLER_PREPARE);
      programs.add(prepare);
    } catch (Throwable t) {
      NativeResource.closeAll(events.toArray(AutoCloseable[]::new));
      throw t;
    }
  }

  @Override
  public void start() {
    enqueued = 0;
    done = 0;
    step.upload();
    if (step.needsStatistics()) {
      if (withStatistics == null) {
        withStatistics = graph(true, CudaOps.SAMPLER_STATISTICS, CudaOps.SAMPLER_STEP);
      }
      current = withStatistics;
    } else {
      if (plain == null) {
        plain = graph(false, CudaOps.SAMPLER_STEP);
      }
      current = plain;
    }
    stream.launch(prepare);
  }

  private CudaGraph graph(boolean statistics, int... kernels) {
    CudaProgram sampler = step.program(statistics, kernels);
    programs.add(sampler);
    return new CudaGraph(
        context, plan == null ? List.of(sampler) : List.of(plan.program(), sampler));
  }

  @Override
  public void enqueue() {
    await(EVENTS - 1);
    stream.launch(current);
    events.get(enqueued % EVENTS).record(stream);
    enqueued++;
  }

  @Override
  public int await(int unfinished) {
    while (done < enqueued) {
      boolean finished = events.get(done % EVENTS).isDone();
      if (finished) {
        done++;
      } else if (enqueued - done <= unfinished) {
        break;
      } else {
        LockSupport.parkNanos(POLL_NANOS);
      }
    }
    return done;
  }

  @Override
  public void close() {
    List<AutoCloseable> all = new ArrayList<>();
    all.add(plain);
    all.add(withStatistics);
    all.addAll(programs);
    all.addAll(events);
    NativeResource.closeAll(all.toArray(AutoCloseable[]::new));
  }
}
