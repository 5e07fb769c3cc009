package io.diffuse4j.core.scheduler;

import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.sampler.Combination;
import io.diffuse4j.core.sampler.Limit;
import io.diffuse4j.core.sampler.NoiseScale;
import io.diffuse4j.core.sampler.Row;
import java.util.ArrayList;
import java.util.List;

/**
 * Ancestral sampling of the DDPM posterior (arXiv 2006.11239, equations 6 and 7); diffusers' {@code
 * DDPMScheduler}. With a_t the cumulative alphas and beta = 1 - a_t / a_s for the next timestep s,
 *
 * <pre>
 * x_s = sqrt(a_s) beta / (1 - a_t) x0 + sqrt(a_t / a_s) (1 - a_s) / (1 - a_t) x_t + deviation z
 * </pre>
 *
 * where the deviation is that of the posterior (fixed_small), sqrt(beta) (fixed_large), or the
 * network's (learned, learned_range: arXiv 2102.09672, equation 15). No noise at timestep 0.
 */
final class Ddpm implements Scheduler {
  /** diffusers' floor of the posterior variance, whose logarithm is taken. */
  private static final double LEAST_VARIANCE = 1e-20;

  private final NoiseSchedule schedule;
  private final Spacing spacing;
  private final int offset;
  private final Prediction prediction;
  private final Limit limit;
  private final String varianceType;

  Ddpm(SchedulerFields fields) {
    schedule = NoiseSchedule.of(fields, true);
    spacing = Spacing.of(fields, Spacing.LEADING);
    offset = fields.integer("steps_offset", 0, 0, 1000);
    prediction = fields.prediction(Prediction.values());
    limit = fields.limit(true);
    varianceType =
        fields.oneOf(
            "variance_type",
            "fixed_small",
            "fixed_small",
            "fixed_small_log",
            "fixed_large",
            "fixed_large_log",
            "learned",
            "learned_range");
  }

  @Override
  public String name() {
    return "DDPM";
  }

  @Override
  public int maxSteps() {
    return schedule.size();
  }

  @Override
  public CoefficientTable table(int steps, int begin) {
    Steps.check(steps, begin, maxSteps(), name());
    double[] timesteps = spacing.visitingBothEnds(steps, schedule.size(), offset, true);
    List<Row> rows = new ArrayList<>();
    for (int i = begin; i < steps; i++) {
      double next = i == steps - 1 ? 1 : schedule.alphaBar((int) timesteps[i + 1]);
      rows.add(row((int) timesteps[i], next));
    }
    Node start = Node.ofAlphaBar(schedule.alphaBar((int) timesteps[begin]));
    return new CoefficientTable(rows, 1, start.alpha(), start.sigma());
  }

  private Row row(int timestep, double next) {
    double now = schedule.alphaBar(timestep);
    Node node = Node.ofAlphaBar(now);
    double alpha = now / next;
    double beta = 1 - alpha;
    double left = node.isClean() ? 0 : (1 - next) / (1 - now);
    double fromX0 = node.isClean() ? 0 : Math.sqrt(next) * beta / (1 - now);
    double fromX = node.isClean() ? 1 : Math.sqrt(alpha) * left;
    Combination mean = Combination.of(fromX, fromX0);
    Row row = Row.of(1, timestep, prediction.toX0(node.alpha(), node.sigma(), limit), mean);
    if (timestep == 0) {
      return row;
    }
    double posterior = Math.max(left * beta, LEAST_VARIANCE);
    double largest = Math.max(beta, LEAST_VARIANCE);
    double deviation =
        switch (varianceType) {
          case "fixed_small", "fixed_small_log" -> Math.sqrt(posterior);
          case "fixed_large", "fixed_large_log" -> Math.sqrt(largest);
          default -> 1;
        };
    NoiseScale scale =
        switch (varianceType) {
          case "learned" -> new NoiseScale.LearnedVariance();
          case "learned_range" ->
              new NoiseScale.LearnedRange(Math.log(posterior), Math.log(largest));
          default -> NoiseScale.ONE;
        };
    return row.drawing(deviation, scale);
  }
}
