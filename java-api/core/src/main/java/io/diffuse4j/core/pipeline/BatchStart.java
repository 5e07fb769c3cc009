package io.diffuse4j.core.pipeline;

import io.diffuse4j.core.noise.ImageNoise;
import io.diffuse4j.core.op.Layouts;
import io.diffuse4j.core.sampler.SamplerShape;
import io.diffuse4j.core.sampler.SamplerStep;

/** What every run of a batch begins with: seeds, guidance, labels and initial noise. */
final class BatchStart {
  private final Model model;
  private final BatchPlan batch;
  private final GenerationRequest request;
  private final int first;
  private final SamplerOptions options;
  private final SamplerShape shape;
  private final ImageNoise[] noise;

  /**
   * Opens a noise stream for each image of the batch.
   *
   * @param first index of the batch's first image in the request
   */
  BatchStart(
      Model model, BatchPlan batch, GenerationRequest request, int first, SamplerOptions options) {
    this.model = model;
    this.batch = batch;
    this.request = request;
    this.first = first;
    this.options = options;
    this.shape = batch.shape();
    noise = new ImageNoise[batch.samples()];
    for (int i = 0; i < noise.length; i++) {
      noise[i] = request.noise().image(first + i, seed(i), shape.channels(), shape.pixels());
    }
  }

  private long seed(int sample) {
    return request.seed() + first + sample;
  }

  ImageNoise noise(int sample) {
    return noise[sample];
  }

  /** Whether the sampler's kernel makes the noise that rows draw. */
  boolean noiseIsGenerated() {
    return noise[0].generatedOnDevice();
  }

  /**
   * Sets up each sample; its latents are {@code sigma} times its initial noise afterwards.
   *
   * @param sigma standard deviation of the latents that the run starts from
   */
  void begin(double sigma) {
    SamplerStep step = batch.step();
    for (int i = 0; i < batch.samples(); i++) {
      step.seed(i, seed(i));
      step.guidance(i, request.guidance().scale(), request.guidance().rescale());
    }
    if (batch.takesLabels()) {
      int[] labels = new int[batch.samples()];
      for (int i = 0; i < labels.length; i++) {
        labels[i] = request.labels().get(first + i);
      }
      batch.labels(labels, model.nullLabel().getAsInt());
    }
    if (noiseIsGenerated()) {
      step.initial((float) sigma);
    }
    if (!noiseIsGenerated() || request.trace() != null) {
      float[] unit = initialNoise();
      if (!noiseIsGenerated()) {
        upload(unit, (float) sigma);
      }
      if (request.trace() != null) {
        request.trace().initialNoise(first, unit, tensorShape());
      }
    }
  }

  private float[] initialNoise() {
    float[] all = new float[batch.samples() * shape.elements()];
    float[] values = new float[shape.elements()];
    for (int i = 0; i < noise.length; i++) {
      noise[i].initial(values);
      System.arraycopy(values, 0, all, i * values.length, values.length);
    }
    return all;
  }

  private void upload(float[] unit, float sigma) {
    float[] scaled = new float[unit.length];
    for (int i = 0; i < unit.length; i++) {
      scaled[i] = unit[i] * sigma;
    }
    float[] nhwc =
        Layouts.nchwToNhwc(
            scaled, batch.samples(), options.height(), options.width(), shape.channels());
    for (int i = 0; i < batch.samples(); i++) {
      batch.uploadLatents(i, nhwc, i * shape.elements());
    }
  }

  /** The latents of the batch, [n, c, h, w]. */
  float[] latents() {
    return Layouts.nhwcToNchw(
        batch.downloadLatents(),
        batch.samples(),
        options.height(),
        options.width(),
        shape.channels());
  }

  /** [n, c, h, w]. */
  long[] tensorShape() {
    return new long[] {batch.samples(), shape.channels(), options.height(), options.width()};
  }
}
