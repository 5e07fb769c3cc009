package io.diffuse4j.core.pipeline;

import io.diffuse4j.core.engine.CancelToken;
import io.diffuse4j.core.engine.ProgressListener;
import io.diffuse4j.core.guidance.Guidance;
import io.diffuse4j.core.noise.NoiseSource;
import io.diffuse4j.core.noise.PhiloxNoise;
import io.diffuse4j.core.scheduler.DpmAdaptive;
import io.diffuse4j.core.scheduler.Scheduler;
import java.util.List;
import java.util.Objects;

/**
 * What to generate. Immutable; start from {@link #builder()}.
 *
 * <p>Image i has the seed {@code seed + i} and is, but for rounding, the image of a request for it
 * alone with that seed; with a batch-invariant sampler, to the bit.
 *
 * @param labels the class of each image, in order; empty for models without classes
 * @param images how many; the length of {@code labels} where there are any
 * @param seed of the first image; any value
 * @param scheduler null for the model's own
 * @param adaptive the method that chooses its own steps; null for a scheduler's
 * @param steps of the scheduler, 1 or more; without meaning for the adaptive method
 * @param guidance classifier-free guidance
 * @param noise where random numbers come from; {@link PhiloxNoise} by default
 * @param progress told after each network call
 * @param cancel checked before each network call
 * @param trace given every intermediate; null for none (it costs a copy to the host a step)
 */
public record GenerationRequest(
    List<Integer> labels,
    int images,
    long seed,
    Scheduler scheduler,
    DpmAdaptive adaptive,
    int steps,
    Guidance guidance,
    NoiseSource noise,
    ProgressListener progress,
    CancelToken cancel,
    SamplingTrace trace) {
  /** Enough for DPM-Solver++ on the models that ship with us. */
  public static final int DEFAULT_STEPS = 20;

  public GenerationRequest {
    labels = List.copyOf(labels);
    Objects.requireNonNull(guidance, "guidance");
    Objects.requireNonNull(progress, "progress");
    Objects.requireNonNull(cancel, "cancel");
    if (images < 1) {
      throw new IllegalArgumentException("images is " + images + "; it must be at least 1");
    }
    if (!labels.isEmpty() && labels.size() != images) {
      throw new IllegalArgumentException(
          labels.size() + " labels for " + images + " images; there must be one for each");
    }
    if (scheduler != null && adaptive != null) {
      throw new IllegalArgumentException(
          "a request has a scheduler or an adaptive method, not both");
    }
    if (steps < 1) {
      throw new IllegalArgumentException("steps is " + steps + "; it must be at least 1");
    }
  }

  public static Builder builder() {
    return new Builder();
  }

  /** Sets one field after the other; every field has a default. */
  public static final class Builder {
    private List<Integer> labels = List.of();
    private int images = 1;
    private long seed;
    private Scheduler scheduler;
    private DpmAdaptive adaptive;
    private int steps = DEFAULT_STEPS;
    private Guidance guidance = Guidance.NONE;
    private NoiseSource noise = new PhiloxNoise();
    private ProgressListener progress = ProgressListener.NONE;
    private CancelToken cancel = new CancelToken();
    private SamplingTrace trace;

    private Builder() {}

    /** One image for each label. */
    public Builder labels(List<Integer> values) {
      labels = List.copyOf(values);
      images = Math.max(1, labels.size());
      return this;
    }

    public Builder labels(Integer... values) {
      return labels(List.of(values));
    }

    /** How many images, of a model without classes. */
    public Builder images(int count) {
      images = count;
      return this;
    }

    public Builder seed(long value) {
      seed = value;
      return this;
    }

    public Builder scheduler(Scheduler value) {
      scheduler = value;
      return this;
    }

    /** DPM-Solver with adaptive steps, instead of a scheduler. */
    public Builder adaptive(DpmAdaptive value) {
      adaptive = value;
      return this;
    }

    public Builder steps(int value) {
      steps = value;
      return this;
    }

    public Builder guidance(Guidance value) {
      guidance = value;
      return this;
    }

    public Builder guidanceScale(double scale) {
      return guidance(Guidance.scale((float) scale));
    }

    public Builder noise(NoiseSource value) {
      noise = value;
      return this;
    }

    public Builder progress(ProgressListener value) {
      progress = value;
      return this;
    }

    public Builder cancel(CancelToken value) {
      cancel = value;
      return this;
    }

    public Builder trace(SamplingTrace value) {
      trace = value;
      return this;
    }

    public GenerationRequest build() {
      return new GenerationRequest(
          labels, images, seed, scheduler, adaptive, steps, guidance, noise, progress, cancel,
          trace);
    }
  }
}
