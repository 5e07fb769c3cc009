package io.diffuse4j.core.pipeline;

import io.diffuse4j.core.engine.CancelToken;
import io.diffuse4j.core.engine.CancelledException;
import io.diffuse4j.core.engine.NativeResource;
import io.diffuse4j.core.guidance.Guidance;
import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.scheduler.Scheduler;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Generates images of one size with one model. Owns the plans it compiled and their memory: plans
 * are made when a request first needs their batch and kept. One call at a time; a second thread
 * waits.
 */
public final class Sampler extends NativeResource {
  private record PlanKey(int samples, boolean guided) {}

  private final Model model;
  private final SamplerOptions options;
  private final ReentrantLock turn = new ReentrantLock(true);
  private final Map<PlanKey, BatchPlan> plans = new HashMap<>();

  Sampler(Model model, SamplerOptions options) {
    super(model);
    this.model = model;
    this.options = options;
    try {
      ModuleInputs.checkSize(
          model.unet().network(), "the image", options.height(), options.width());
    } catch (Throwable t) {
      abandon();
      throw t;
    }
  }

  public SamplerOptions options() {
    return options;
  }

  /**
   * Generates the images of a request.
   *
   * @throws IllegalArgumentException if the request does not fit the model
   * @throws CancelledException if its token was cancelled
   * @throws IllegalStateException if this sampler is closed
   * @throws io.diffuse4j.core.device.DeviceMemoryException if a batch does not fit
   */
  public GenerationResult generate(GenerationRequest request) {
    enter();
    turn.lock();
    try {
      return run(request);
    } finally {
      turn.unlock();
      exit();
    }
  }

  private GenerationResult run(GenerationRequest request) {
    check(request);
    if (request.adaptive() != null) {
      return runAdaptive(request);
    }
    Scheduler scheduler = request.scheduler() == null ? model.scheduler() : request.scheduler();
    CoefficientTable table = scheduler.table(request.steps());
    boolean guided = request.guidance().isActive();
    List<Image> images = new ArrayList<>(request.images());
    int batches = (request.images() + options.batch() - 1) / options.batch();
    if (request.trace() != null) {
      request.trace().timesteps(table.timesteps());
    }
    int total = table.calls() * batches;
    int done = 0;
    for (int first = 0; first < request.images(); first += options.batch()) {
      int samples = Math.min(options.batch(), request.images() - first);
      BatchPlan batch = plan(samples, guided);
      BatchStart start = new BatchStart(model, batch, request, first, options);
      new BatchRun(batch, start, request, table, first).run(done, total);
      done += table.calls();
      addImages(images, batch.downloadLatents(), samples);
    }
    return new GenerationResult(images, table.calls());
  }

  private GenerationResult runAdaptive(GenerationRequest request) {
    boolean guided = request.guidance().isActive();
    List<Image> images = new ArrayList<>(request.images());
    int done = 0;
    int most = 0;
    for (int first = 0; first < request.images(); first += options.batch()) {
      int samples = Math.min(options.batch(), request.images() - first);
      BatchPlan batch = plan(samples, guided);
      BatchStart start = new BatchStart(model, batch, request, first, options);
      int calls =
          new AdaptiveBatchRun(
                  model.unet().provider(), batch, start, request, request.adaptive(), first)
              .run(done);
      done += calls;
      most = Math.max(most, calls);
      addImages(images, batch.downloadLatents(), samples);
    }
    return new GenerationResult(images, most);
  }

  private void addImages(List<Image> images, float[] latents, int samples) {
    int channels = model.unet().network().inChannels();
    int elements = latents.length / samples;
    for (float value : latents) {
      if (!Float.isFinite(value)) {
        throw new IllegalStateException(
            "the network's predictions led to " + value + "; its weights may be damaged");
      }
    }
    for (int i = 0; i < samples; i++) {
      images.add(
          Image.fromSamples(latents, i * elements, options.height(), options.width(), channels));
    }
  }

  private BatchPlan plan(int samples, boolean guided) {
    return plans.computeIfAbsent(
        new PlanKey(samples, guided),
        key -> new BatchPlan(model.unet(), options, key.samples, key.guided));
  }

  private void check(GenerationRequest request) {
    int classes = model.classes();
    if (classes == 0) {
      if (!request.labels().isEmpty()) {
        throw new IllegalArgumentException("the model has no classes; labels do not apply");
      }
      if (!request.guidance().equals(Guidance.NONE)) {
        throw new IllegalArgumentException("the model has no condition; guidance does not apply");
      }
      return;
    }
    if (request.labels().isEmpty()) {
      throw new IllegalArgumentException(
          "the model needs a label for each image, 0 to "
              + (classes - 1)
              + "; "
              + model.nullLabel().getAsInt()
              + " stands for no class");
    }
    for (int label : request.labels()) {
      if (label < 0 || label >= classes) {
        throw new IllegalArgumentException(
            "label is " + label + "; it must be 0 to " + (classes - 1));
      }
    }
  }

  /** Throws if the token was cancelled. */
  static void checkCancelled(CancelToken cancel, int done) {
    if (cancel.isCancelled()) {
      throw new CancelledException("cancelled after " + done + " network calls");
    }
  }

  @Override
  protected String describe() {
    return "Sampler of " + model.name();
  }

  @Override
  protected void release() {
    plans.values().forEach(BatchPlan::close);
    plans.clear();
  }
}
