package io.diffuse4j.core.scheduler;

import io.diffuse4j.core.sampler.CoefficientTable;
import io.diffuse4j.core.sampler.Combination;
import io.diffuse4j.core.sampler.Conversion;
import io.diffuse4j.core.sampler.Row;
import java.util.ArrayList;
import java.util.List;

/**
 * Pseudo numerical methods (arXiv 2202.09778): linear multistep of order 4 on the network's output,
 * started by Runge-Kutta steps of four calls, or without those (PLMS) by one step of Heun's kind
 * and rising orders; diffusers' {@code PNDMScheduler}. The transfer from t to s is equation 11,
 *
 * <pre>
 * x_s = sqrt(a_s / a_t) x - (a_s - a_t) e / (a_t sqrt(1 - a_s) + sqrt(a_t (1 - a_t) a_s))
 * </pre>
 *
 * with e a combination of outputs. A run from an image starts without Runge-Kutta steps, and so
 * does one of fewer than 4 steps.
 */
final class Pndm implements Scheduler {
  private static final int RUNGE_KUTTA_STEPS = 3;

  private final NoiseSchedule schedule;
  private final Spacing spacing;
  private final int offset;
  private final Prediction prediction;
  private final boolean skipRungeKutta;
  private final boolean endAtOne;

  Pndm(SchedulerFields fields) {
    schedule = NoiseSchedule.of(fields, false);
    spacing = Spacing.of(fields, Spacing.LEADING);
    offset = fields.integer("steps_offset", 0, 0, 1000);
    prediction = fields.prediction(Prediction.EPSILON, Prediction.V);
    skipRungeKutta = fields.bool("skip_prk_steps", false);
    endAtOne = fields.bool("set_alpha_to_one", false);
  }

  @Override
  public String name() {
    return "PNDM";
  }

  @Override
  public int maxSteps() {
    return schedule.size();
  }

  @Override
  public CoefficientTable table(int steps, int begin) {
    Steps.check(steps, begin, maxSteps(), name());
    double[] timesteps = spacing.visitingBothEnds(steps, schedule.size(), offset, true);
    int width = schedule.size() / steps;
    List<Row> rows = new ArrayList<>();
    if (skipRungeKutta || begin > 0 || steps <= RUNGE_KUTTA_STEPS) {
      startLinear(rows, timesteps, begin, width);
    } else {
      for (int i = 0; i < RUNGE_KUTTA_STEPS; i++) {
        rungeKutta(rows, timesteps, i, width / 2);
      }
      for (int i = RUNGE_KUTTA_STEPS; i < steps; i++) {
        rows.add(linear(timesteps[i], width, i + 1));
      }
    }
    Node start = Node.ofAlphaBar(schedule.alphaBar((int) timesteps[begin]));
    return new CoefficientTable(rows, 1, start.alpha(), start.sigma());
  }

  /** Linear multistep from the start: the first step is taken twice, the second time averaged. */
  private void startLinear(List<Row> rows, double[] timesteps, int begin, int width) {
    double first = timesteps[begin];
    Transfer transfer = transfer(first, first - width);
    Combination x = Combination.ZERO.withX(1);
    rows.add(row(first, transfer.of(x, outputs(1, 0, 0, 0))).pushing().withSave(x));
    for (int i = begin + 1; i < timesteps.length; i++) {
      if (i == begin + 1) {
        Transfer again = transfer(timesteps[i] + width, timesteps[i]);
        Combination saved = Combination.ZERO.withSaved(1);
        rows.add(row(timesteps[i], again.of(saved, outputs(0.5, 0.5, 0, 0))));
      }
      rows.add(linear(timesteps[i], width, i - begin + 1));
    }
  }

  /** A step of Adams and Bashforth with {@code known} outputs, this one included. */
  private Row linear(double timestep, int width, int known) {
    Combination outputs =
        switch (known) {
          case 2 -> outputs(3.0 / 2, -1.0 / 2, 0, 0);
          case 3 -> outputs(23.0 / 12, -16.0 / 12, 5.0 / 12, 0);
          default -> outputs(55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24);
        };
    Transfer transfer = transfer(timestep, timestep - width);
    return row(timestep, transfer.of(Combination.ZERO.withX(1), outputs)).pushing();
  }

  /**
   * A step of Runge and Kutta: from S through the outputs e0, e1, e2 at the start and twice halfway
   * to e3 at the end, x_next = transfer(S, e0 / 6 + e1 / 3 + e2 / 3 + e3 / 6). Only the e0 of a
   * step is stored, for the linear steps to come; e1 is read off the latents that it led to,
   * transfer(S, e1), once e2 is there, and the sum so far becomes the saved sample.
   */
  private void rungeKutta(List<Row> rows, double[] timesteps, int i, int half) {
    double start = timesteps[i];
    double middle = timesteps[i + 1] + half;
    double end = timesteps[i + 1];
    Combination x = Combination.ZERO.withX(1);
    Combination saved = Combination.ZERO.withSaved(1);
    Combination output = outputs(1, 0, 0, 0);
    rows.add(row(start, transfer(start, start - half).of(x, output)).pushing().withSave(x));

    Transfer second = transfer(start, middle);
    rows.add(row(middle, second.of(saved, output)));

    Transfer whole = transfer(start, end);
    double e1 = second.output == 0 ? 0 : whole.output / (3 * second.output);
    Combination sum =
        Combination.ZERO
            .withSaved(whole.sample - e1 * second.sample)
            .withX(e1)
            .withConversions(whole.output / 3, whole.output / 6, 0, 0);
    Transfer third = transfer(start, middle - half);
    rows.add(row(middle, third.of(saved, output)).withSave(sum));

    rows.add(row(end, saved.plus(whole.output / 6, output)));
  }

  private static Combination outputs(double m, double m1, double m2, double m3) {
    return Combination.ZERO.withConversions(m, m1, m2, m3);
  }

  private static Row row(double timestep, Combination update) {
    return Row.of(1, timestep, Conversion.OUTPUT, update);
  }

  /** What the sample and the network's outputs are weighted with on the way from t to s. */
  private record Transfer(double sample, double output) {
    Combination of(Combination from, Combination outputs) {
      return Combination.ZERO.plus(sample, from).plus(output, outputs);
    }
  }

  private Transfer transfer(double t, double s) {
    double now = schedule.alphaBar((int) t);
    double end = endAtOne ? 1 : schedule.alphaBar(0);
    double next = s >= 0 ? schedule.alphaBar((int) s) : end;
    double divisor = now * Math.sqrt(1 - next) + Math.sqrt(now * (1 - now) * next);
    double noise = divisor == 0 ? 0 : (now - next) / divisor;
    double sample = Math.sqrt(next / now);
    return prediction == Prediction.V
        ? new Transfer(sample + noise * Math.sqrt(1 - now), noise * Math.sqrt(now))
        : new Transfer(sample, noise);
  }
}
