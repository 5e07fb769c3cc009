package io.diffuse4j.core.pipeline;

import io.diffuse4j.core.op.SamplingLoop;
import io.diffuse4j.core.sampler.CoefficientTable;

/** One batch of a request, from noise to latents, along a table of fixed steps. */
final class BatchRun {
  /**
   * Calls that a device may have queued beside the one it works on: enough to keep it busy, few
   * enough for a cancellation to be felt at once.
   */
  private static final int AHEAD = 1;

  private final BatchPlan batch;
  private final BatchStart start;
  private final GenerationRequest request;
  private final CoefficientTable table;
  private final int first;

  /** What each call was given, [call][sample, c, h, w]; null while noise is generated. */
  private float[][] given;

  /**
   * A run of what the request asks for.
   *
   * @param first index of the batch's first image in the request
   */
  BatchRun(
      BatchPlan batch,
      BatchStart start,
      GenerationRequest request,
      CoefficientTable table,
      int first) {
    this.batch = batch;
    this.start = start;
    this.request = request;
    this.table = table;
    this.first = first;
  }

  /**
   * Carries it out.
   *
   * @param done network calls of earlier batches
   * @param total network calls of the request
   */
  void run(int done, int total) {
    batch.table(table);
    start.begin(table.initNoiseSigma());
    if (start.noiseIsGenerated()) {
      batch.generateNoise();
    } else {
      uploadDraws();
    }
    SamplingLoop loop = batch.loop();
    loop.start();
    try {
      int reported = 0;
      for (int call = 0; call < table.calls(); call++) {
        Sampler.checkCancelled(request.cancel(), done + call);
        loop.enqueue();
        if (request.trace() != null) {
          trace(call);
        }
        reported = report(loop.await(AHEAD), reported, done, total);
      }
      report(loop.await(0), reported, done, total);
    } catch (Throwable t) {
      try {
        // What is still under way uses the batch's memory.
        loop.await(0);
      } catch (RuntimeException e) {
        t.addSuppressed(e);
      }
      throw t;
    }
  }

  private int report(int finished, int reported, int done, int total) {
    for (int call = reported + 1; call <= finished; call++) {
      request.progress().onProgress(done + call, total);
    }
    return finished;
  }

  private void trace(int call) {
    if (table.drawsNoise(call)) {
      float[] drawn = start.noiseIsGenerated() ? generatedDraw(call) : given[call];
      request.trace().noise(first, call, drawn, start.tensorShape());
    }
    request.trace().latents(first, call, start.latents(), start.tensorShape());
  }

  /** Takes every number that the steps need from the sources before the first of them. */
  private void uploadDraws() {
    int elements = batch.shape().elements();
    given = new float[table.calls()][];
    batch.reserveNoise(table.calls());
    float[] values = new float[elements];
    for (int call = 0; call < table.calls(); call++) {
      if (table.drawsNoise(call)) {
        given[call] = new float[batch.samples() * elements];
      }
    }
    for (int i = 0; i < batch.samples(); i++) {
      for (int call = 0; call < table.calls(); call++) {
        if (table.drawsNoise(call)) {
          start.noise(i).draw(call, values);
          System.arraycopy(values, 0, given[call], i * elements, elements);
          batch.noise(call, i, values);
        }
      }
    }
  }

  private float[] generatedDraw(int call) {
    int elements = batch.shape().elements();
    float[] all = new float[batch.samples() * elements];
    float[] values = new float[elements];
    for (int i = 0; i < batch.samples(); i++) {
      start.noise(i).draw(call, values);
      System.arraycopy(values, 0, all, i * elements, elements);
    }
    return all;
  }
}
