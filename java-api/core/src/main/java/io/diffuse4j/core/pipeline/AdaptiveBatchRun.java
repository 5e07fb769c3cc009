package io.diffuse4j.core.pipeline;

import io.diffuse4j.core.op.DeviceBuffer;
import io.diffuse4j.core.op.OpProvider;
import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.sampler.Row;
import io.diffuse4j.core.scheduler.DpmAdaptive;
import java.util.ArrayList;
import java.util.List;

/**
 * One batch of a request with adaptive steps: each image has a step size of its own, so that it
 * does not depend on its neighbours, and one that has arrived idles. One scalar an image and
 * attempted step is read back; that is what adaptive means.
 */
final class AdaptiveBatchRun {
  private final BatchPlan batch;
  private final BatchStart start;
  private final GenerationRequest request;
  private final DpmAdaptive method;
  private final int first;
  private final OpProvider provider;

  /**
   * A run of what the request asks for.
   *
   * @param first index of the batch's first image in the request
   */
  AdaptiveBatchRun(
      OpProvider provider,
      BatchPlan batch,
      BatchStart start,
      GenerationRequest request,
      DpmAdaptive method,
      int first) {
    this.provider = provider;
    this.batch = batch;
    this.start = start;
    this.request = request;
    this.method = method;
    this.first = first;
  }

  /**
   * Carries it out.
   *
   * @param done network calls of earlier batches
   * @return network calls of this one
   */
  int run(int done) {
    int samples = batch.samples();
    long bytes = (long) batch.shape().elements() * Float.BYTES;
    List<DpmAdaptive.Run> runs = new ArrayList<>();
    for (int i = 0; i < samples; i++) {
      runs.add(method.start());
    }
    start.begin(method.initNoiseSigma());
    // Per image: the latents before the attempt, and the lower method's result of the last
    // accepted.
    try (DeviceBuffer kept = provider.allocate("the adaptive steps", 2L * samples * bytes)) {
      for (int i = 0; i < samples; i++) {
        provider.copy(batch.latents(i), previous(kept, i, bytes), bytes);
      }
      int calls = 0;
      List<Double> timesteps = new ArrayList<>();
      while (runs.stream().anyMatch(run -> !run.done())) {
        List<CoefficientTable> attempts = attempts(runs, kept, bytes);
        batch.tables(attempts);
        batch.generateNoise();
        batch.loop().start();
        for (double timestep : attempts.get(0).timesteps()) {
          timesteps.add(timestep);
        }
        for (int call = 0; call < method.order(); call++) {
          Sampler.checkCancelled(request.cancel(), done + calls);
          batch.loop().enqueue();
          if (request.trace() != null) {
            request.trace().latents(first, calls, start.latents(), start.tensorShape());
          }
          calls++;
          batch.loop().await(0);
          request.progress().onProgress(done + calls, -1);
        }
        for (int i = 0; i < samples; i++) {
          if (!runs.get(i).done()) {
            decide(runs.get(i), i, kept, bytes);
          }
        }
      }
      if (request.trace() != null && first == 0) {
        request.trace().timesteps(timesteps.stream().mapToDouble(t -> t).toArray());
      }
      return calls;
    }
  }

  private static long before(DeviceBuffer kept, int sample, long bytes) {
    return kept.address() + 2L * sample * bytes;
  }

  private static long previous(DeviceBuffer kept, int sample, long bytes) {
    return before(kept, sample, bytes) + bytes;
  }

  private List<CoefficientTable> attempts(
      List<DpmAdaptive.Run> runs, DeviceBuffer kept, long bytes) {
    List<CoefficientTable> tables = new ArrayList<>();
    for (int i = 0; i < runs.size(); i++) {
      DpmAdaptive.Run run = runs.get(i);
      if (run.done()) {
        tables.add(idle());
      } else {
        provider.copy(batch.latents(i), before(kept, i, bytes), bytes);
        tables.add(run.attempt());
      }
    }
    return tables;
  }

  private CoefficientTable idle() {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < method.order(); i++) {
      rows.add(Row.idle(0));
    }
    return new CoefficientTable(rows, 1, 1, 0);
  }

  private void decide(DpmAdaptive.Run run, int sample, DeviceBuffer kept, long bytes) {
    long higher = batch.latents(sample);
    long lower = batch.saved(sample);
    long previous = previous(kept, sample, bytes);
    double error = batch.step().error(lower, higher, previous, method.atol(), method.rtol());
    if (run.finish(error)) {
      provider.copy(lower, previous, bytes);
    } else {
      provider.copy(before(kept, sample, bytes), higher, bytes);
    }
  }
}
