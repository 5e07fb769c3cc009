package io.diffuse4j.core.pipeline;

import io.diffuse4j.core.sampler.CoefficientTable;

/** One batch of a request, from noise to latents, along a table of fixed steps. */
final class BatchRun {
  private final BatchPlan batch;
  private final BatchStart start;
  private final GenerationRequest request;
  private final CoefficientTable table;
  private final int first;

  /** What each drawing call was given, [draw][sample, c, h, w]; null while noise is generated. */
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
    boolean generated = start.noiseIsGenerated();
    if (!generated) {
      uploadDraws();
    }
    int draw = 0;
    for (int call = 0; call < table.calls(); call++) {
      Sampler.checkCancelled(request.cancel(), done + call);
      batch.row(call);
      boolean draws = table.drawsNoise(call);
      batch.useNoise(generated || !draws ? -1 : draw);
      batch.call();
      if (request.trace() != null) {
        if (draws) {
          float[] drawn = generated ? generatedDraw(call) : given[draw];
          request.trace().noise(first, call, drawn, start.tensorShape());
        }
        request.trace().latents(first, call, start.latents(), start.tensorShape());
      }
      draw += draws ? 1 : 0;
      request.progress().onProgress(done + call + 1, total);
    }
  }

  /** Takes every number that the steps need from the sources before the first of them. */
  private void uploadDraws() {
    int elements = batch.shape().elements();
    given = new float[table.draws()][batch.samples() * elements];
    batch.reserveNoise(table.draws());
    float[] values = new float[elements];
    for (int i = 0; i < batch.samples(); i++) {
      int draw = 0;
      for (int call = 0; call < table.calls(); call++) {
        if (table.drawsNoise(call)) {
          start.noise(i).draw(call, values);
          System.arraycopy(values, 0, given[draw], i * elements, elements);
          batch.noise(draw++, i, values);
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
