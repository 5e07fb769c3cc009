package io.diffuse4j.core.scheduler;

import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.sampler.Combination;
import io.diffuse4j.core.sampler.Conversion;
import io.diffuse4j.core.sampler.Limit;
import io.diffuse4j.core.sampler.NoiseScale;
import io.diffuse4j.core.sampler.Row;
import java.util.ArrayList;
import java.util.List;

/**
 * DDIM (arXiv 2010.02502, equations 12 and 16); diffusers' {@code DDIMScheduler}. With a_t the
 * cumulative alphas, s = t - T / steps and deviation = eta sqrt((1 - a_s) / (1 - a_t) (1 - a_t /
 * a_s)),
 *
 * <pre>x_s = sqrt(a_s) x0 + sqrt(1 - a_s - deviation²) eps + deviation z</pre>
 *
 * where x0 is clipped or thresholded and eps is not. {@code eta} is an option of the sampler, 0 by
 * default, not a field of the file.
 */
final class Ddim implements Scheduler {
  private final NoiseSchedule schedule;
  private final Spacing spacing;
  private final int offset;
  private final Prediction prediction;
  private final Limit limit;
  private final boolean endAtOne;
  private final double eta;

  Ddim(SchedulerFields fields) {
    schedule = NoiseSchedule.of(fields, true);
    spacing = Spacing.of(fields, Spacing.LEADING);
    offset = fields.integer("steps_offset", 0, 0, 1000);
    prediction = fields.prediction(Prediction.values());
    limit = fields.limit(true);
    endAtOne = fields.bool("set_alpha_to_one", true);
    eta = fields.number("eta", 0, 0, 1);
  }

  @Override
  public String name() {
    return "DDIM";
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
      rows.add(row((int) timesteps[i], (int) timesteps[i] - schedule.size() / steps));
    }
    Node start = Node.ofAlphaBar(schedule.alphaBar((int) timesteps[begin]));
    return new CoefficientTable(rows, 1, start.alpha(), start.sigma());
  }

  private Row row(int timestep, int nextTimestep) {
    double now = schedule.alphaBar(timestep);
    double end = endAtOne ? 1 : schedule.alphaBar(0);
    double next = nextTimestep >= 0 ? schedule.alphaBar(nextTimestep) : end;
    Node node = Node.ofAlphaBar(now);
    double variance = node.isClean() ? 0 : (1 - next) / (1 - now) * (1 - now / next);
    double deviation = eta * Math.sqrt(Math.max(0, variance));
    double direction = Math.sqrt(Math.max(0, 1 - next - deviation * deviation));

    // eps before x0 was limited, as a combination of the latents and the network's output.
    Conversion noise = prediction.toNoise(node.alpha(), node.sigma(), Limit.NONE);
    Combination update =
        new Combination(
            direction * noise.x0FromX(),
            0,
            Math.sqrt(next),
            0,
            0,
            0,
            direction * noise.x0FromOutput(),
            deviation);
    return new Row(
        1,
        timestep,
        prediction.toX0(node.alpha(), node.sigma(), limit),
        update,
        null,
        false,
        eta > 0,
        NoiseScale.ONE);
  }
}
