package io.diffuse4j.core.scheduler;

import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.sampler.Combination;
import io.diffuse4j.core.sampler.Limit;
import io.diffuse4j.core.sampler.NoiseScale;
import io.diffuse4j.core.sampler.Row;
import java.util.ArrayList;
import java.util.List;

/**
 * Multistep consistency sampling of latent consistency models (arXiv 2310.04378, algorithm 3);
 * diffusers' {@code LCMScheduler}. With s = timestep * timestep_scaling and sigma_data = 1/2,
 *
 * <pre>
 * f      = sigma_data² / (s² + sigma_data²) x + s / sqrt(s² + sigma_data²) x0
 * x_next = sqrt(a_next) f + sqrt(1 - a_next) z, and f itself in the end
 * </pre>
 */
final class Lcm implements Scheduler {
  private static final double SIGMA_DATA = 0.5;

  private final NoiseSchedule schedule;
  private final int originalSteps;
  private final double timestepScaling;
  private final Prediction prediction;
  private final Limit limit;

  Lcm(SchedulerFields fields) {
    schedule = NoiseSchedule.of(fields, true, false, 0.00085, 0.012, "scaled_linear");
    originalSteps = fields.integer("original_inference_steps", 50, 1, schedule.size());
    timestepScaling = fields.number("timestep_scaling", 10, 0, Float.MAX_VALUE);
    prediction = fields.prediction(Prediction.values());
    limit = fields.limit(false);
    // The timesteps are those of the distillation: these have no say in them, in diffusers either.
    fields.bool("set_alpha_to_one", true);
    fields.integer("steps_offset", 0, 0, 1000);
    Spacing.of(fields, Spacing.LEADING);
  }

  @Override
  public String name() {
    return "LCM";
  }

  /** As many as the model was distilled with. */
  @Override
  public int maxSteps() {
    return originalSteps;
  }

  @Override
  public CoefficientTable table(int steps, int begin) {
    Steps.check(steps, begin, maxSteps(), name());
    int[] timesteps = new int[steps];
    for (int i = 0; i < steps; i++) {
      int skipped = (int) Math.floor(i * ((double) originalSteps / steps));
      timesteps[i] = (originalSteps - skipped) * (schedule.size() / originalSteps) - 1;
    }
    List<Row> rows = new ArrayList<>();
    for (int i = begin; i < steps; i++) {
      rows.add(row(timesteps, i));
    }
    Node start = Node.ofAlphaBar(schedule.alphaBar(timesteps[begin]));
    return new CoefficientTable(rows, 1, start.alpha(), start.sigma());
  }

  private Row row(int[] timesteps, int i) {
    Node now = Node.ofAlphaBar(schedule.alphaBar(timesteps[i]));
    double scaled = timesteps[i] * timestepScaling;
    double norm = scaled * scaled + SIGMA_DATA * SIGMA_DATA;
    Combination f = Combination.of(SIGMA_DATA * SIGMA_DATA / norm, scaled / Math.sqrt(norm));
    boolean last = i == timesteps.length - 1;
    Node next = last ? new Node(1, 0) : Node.ofAlphaBar(schedule.alphaBar(timesteps[i + 1]));
    Row row =
        Row.of(
            1,
            timesteps[i],
            prediction.toX0(now.alpha(), now.sigma(), limit),
            Combination.ZERO.plus(next.alpha(), f));
    return last ? row : row.drawing(next.sigma(), NoiseScale.ONE);
  }
}
