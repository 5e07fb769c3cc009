package io.diffuse4j.core.cpu;

import io.diffuse4j.core.engine.ComputeThread;
import io.diffuse4j.core.op.SamplingLoop;
import io.diffuse4j.core.sampler.CpuSamplerStep;

/** The loop on the compute thread: every call is done when it returns. */
final class CpuSamplingLoop implements SamplingLoop {
  private final ComputeThread compute;
  private final Runnable prepare;
  private final Runnable call;
  private int done;

  CpuSamplingLoop(ComputeThread compute, CpuPlan plan, CpuSamplerStep step) {
    this.compute = compute;
    prepare = step::prepare;
    call =
        () -> {
          if (plan != null) {
            plan.run();
          }
          step.step();
          if (step.advance()) {
            step.prepare();
          }
        };
  }

  @Override
  public void start() {
    done = 0;
    compute.run(prepare);
  }

  @Override
  public void enqueue() {
    compute.run(call);
    done++;
  }

  @Override
  public int await(int unfinished) {
    return done;
  }

  @Override
  public void close() {}
}
