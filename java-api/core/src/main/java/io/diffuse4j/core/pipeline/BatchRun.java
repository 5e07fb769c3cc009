package io.diffuse4j.core.pipeline;

import io.diffuse4j.core.noise.ImageNoise;
import io.diffuse4j.core.op.OpProvider;
import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.sampler.SamplerShape;
import io.diffuse4j.core.sampler.SamplerStep;

/** One batch of a request, from noise to latents. */
final class BatchRun {
  /** The generator's step number of initial noise, as {@code d4j_sampler.h} has it. */
  private static final int INITIAL_NOISE_STEP = -1;

  private final Model model;
  private final BatchPlan batch;
  private final GenerationRequest request;
  private final CoefficientTable table;
  private final int first;
  private final SamplerOptions options;
  private final SamplerShape shape;

  /** What each drawing call was given, [draw][sample, c, h, w]; null while noise is generated. */
  private float[][] given;

  /**
   * A run of what the request asks for.
   *
   * @param first index of the batch's first image in the request
   */
  BatchRun(
      Model model,
      BatchPlan batch,
      GenerationRequest request,
      CoefficientTable table,
      int first,
      SamplerOptions options) {
    this.model = model;
    this.batch = batch;
    this.request = request;
    this.table = table;
    this.first = first;
    this.options = options;
    this.shape = batch.shape();
  }

  /**
   * Carries it out.
   *
   * @param done network calls of earlier batches
   * @param total network calls of the request
   */
  void run(int done, int total) {
    SamplerStep step = batch.step();
    for (int i = 0; i < batch.samples(); i++) {
      step.seed(i, request.seed() + first + i);
      step.guidance(i, request.guidance().scale(), request.guidance().rescale());
    }
    batch.table(table);
    if (batch.takesLabels()) {
      int[] labels = new int[batch.samples()];
      for (int i = 0; i < labels.length; i++) {
        labels[i] = request.labels().get(first + i);
      }
      batch.labels(labels, model.nullLabel().getAsInt());
    }
    ImageNoise[] noise = new ImageNoise[batch.samples()];
    for (int i = 0; i < noise.length; i++) {
      noise[i] =
          request
              .noise()
              .image(first + i, request.seed() + first + i, shape.channels(), shape.pixels());
    }
    boolean generated = noise[0].generatedOnDevice();
    if (generated) {
      generateInitialNoise(noise);
    } else {
      uploadNoise(noise);
    }
    int draw = 0;
    for (int call = 0; call < table.calls(); call++) {
      Sampler.checkCancelled(request.cancel(), done + call);
      batch.row(call);
      boolean draws = table.drawsNoise(call);
      batch.useNoise(generated || !draws ? -1 : draw);
      batch.call();
      if (request.trace() != null) {
        traceCall(call, noise, draws ? draw : -1);
      }
      draw += draws ? 1 : 0;
      request.progress().onProgress(done + call + 1, total);
    }
  }

  private void generateInitialNoise(ImageNoise[] noise) {
    OpProvider provider = model.unet().provider();
    float scale = (float) table.initNoiseSigma();
    provider.execute(
        () -> {
          for (int i = 0; i < batch.samples(); i++) {
            provider.noise(
                request.seed() + first + i,
                INITIAL_NOISE_STEP,
                shape.channels(),
                shape.pixels(),
                scale,
                batch.latents(i));
          }
        });
    if (request.trace() != null) {
      float[] all = new float[batch.samples() * shape.elements()];
      for (int i = 0; i < noise.length; i++) {
        float[] values = new float[shape.elements()];
        noise[i].initial(values);
        System.arraycopy(values, 0, all, i * values.length, values.length);
      }
      request.trace().initialNoise(first, all, tensorShape());
    }
  }

  /** Takes every number that the run needs from the sources before its first step. */
  private void uploadNoise(ImageNoise[] noise) {
    int elements = shape.elements();
    float scale = (float) table.initNoiseSigma();
    float[] initial = new float[batch.samples() * elements];
    float[][] drawn = new float[table.draws()][batch.samples() * elements];
    batch.reserveNoise(table.draws());
    float[] values = new float[elements];
    for (int i = 0; i < noise.length; i++) {
      noise[i].initial(values);
      System.arraycopy(values, 0, initial, i * elements, elements);
      for (int k = 0; k < elements; k++) {
        values[k] *= scale;
      }
      batch.uploadLatents(
          i, Layouts.nchwToNhwc(values, 1, options.height(), options.width(), shape.channels()));
      int draw = 0;
      for (int call = 0; call < table.calls(); call++) {
        if (table.drawsNoise(call)) {
          noise[i].draw(call, values);
          System.arraycopy(values, 0, drawn[draw], i * elements, elements);
          batch.noise(draw++, i, values);
        }
      }
    }
    if (request.trace() != null) {
      request.trace().initialNoise(first, initial, tensorShape());
    }
    given = drawn;
  }

  private void traceCall(int call, ImageNoise[] noise, int draw) {
    if (draw >= 0) {
      request.trace().noise(first, call, drawn(call, noise, draw), tensorShape());
    }
    request.trace().latents(first, call, toNchw(batch.downloadLatents()), tensorShape());
  }

  private float[] drawn(int call, ImageNoise[] noise, int draw) {
    if (!noise[0].generatedOnDevice()) {
      return given[draw];
    }
    float[] all = new float[batch.samples() * shape.elements()];
    float[] values = new float[shape.elements()];
    for (int i = 0; i < noise.length; i++) {
      noise[i].draw(call, values);
      System.arraycopy(values, 0, all, i * values.length, values.length);
    }
    return all;
  }

  private float[] toNchw(float[] nhwc) {
    return Layouts.nhwcToNchw(
        nhwc, batch.samples(), options.height(), options.width(), shape.channels());
  }

  private long[] tensorShape() {
    return new long[] {batch.samples(), shape.channels(), options.height(), options.width()};
  }
}
