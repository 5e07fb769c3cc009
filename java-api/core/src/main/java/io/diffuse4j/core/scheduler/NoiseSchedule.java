package io.diffuse4j.core.scheduler;

import java.util.List;

/**
 * The forward process that the network was trained on: cumulative alphas by training timestep.
 *
 * <p>Networks are trained with these numbers in float32, and 1 - alpha at the first timesteps keeps
 * only three digits of them, so they are rounded here where PyTorch rounds them. All that follows
 * from them is double.
 */
final class NoiseSchedule {
  private final float[] alphasCumprod;

  private NoiseSchedule(float[] alphasCumprod) {
    this.alphasCumprod = alphasCumprod;
  }

  /** diffusers' defaults for the linear schedule. */
  static NoiseSchedule of(SchedulerFields fields, boolean mayRescale) {
    return of(fields, mayRescale, false, 0.0001, 0.02, "linear");
  }

  /**
   * @param mayRescale whether this scheduler knows {@code rescale_betas_zero_snr}
   * @param keepTerminal whether a terminal SNR of zero is then raised to 2^-24, as schedulers do
   *     that divide by alpha
   */
  static NoiseSchedule of(
      SchedulerFields fields,
      boolean mayRescale,
      boolean keepTerminal,
      double start,
      double end,
      String kind) {
    int n = fields.integer("num_train_timesteps", 1000, 1, 1_000_000);
    double betaStart = fields.number("beta_start", start, 0, 1);
    double betaEnd = fields.number("beta_end", end, 0, 1);
    String schedule =
        fields.oneOf(
            "beta_schedule",
            kind,
            "linear",
            "scaled_linear",
            "squaredcos_cap_v2",
            "sigmoid",
            "laplace",
            "exp");
    List<Double> trained = fields.numbers("trained_betas");
    float[] betas =
        trained.isEmpty() ? betas(schedule, n, betaStart, betaEnd) : trainedBetas(trained, n);
    boolean rescale = mayRescale && fields.bool("rescale_betas_zero_snr", false);
    if (rescale) {
      zeroTerminalSnr(betas);
    }
    float[] alphas = cumulative(betas);
    if (rescale && keepTerminal) {
      alphas[n - 1] = 0x1p-24f;
    }
    return new NoiseSchedule(alphas);
  }

  private static float[] trainedBetas(List<Double> trained, int n) {
    if (trained.size() != n) {
      throw new IllegalArgumentException(
          "trained_betas has " + trained.size() + " entries, num_train_timesteps is " + n);
    }
    float[] betas = new float[n];
    for (int i = 0; i < n; i++) {
      double beta = trained.get(i);
      if (!(beta >= 0 && beta < 1)) {
        throw new IllegalArgumentException("trained_betas must be in [0, 1), has " + beta);
      }
      betas[i] = (float) beta;
    }
    return betas;
  }

  private static float[] betas(String schedule, int n, double start, double end) {
    return switch (schedule) {
      case "linear" -> linspace((float) start, (float) end, n);
      case "scaled_linear" -> {
        float[] betas = linspace((float) Math.sqrt(start), (float) Math.sqrt(end), n);
        for (int i = 0; i < n; i++) {
          betas[i] *= betas[i];
        }
        yield betas;
      }
      case "sigmoid" -> {
        float[] betas = linspace(-6, 6, n);
        for (int i = 0; i < n; i++) {
          float sigmoid = (float) (1 / (1 + Math.exp(-betas[i])));
          betas[i] = sigmoid * (float) (end - start) + (float) start;
        }
        yield betas;
      }
      default -> forAlphaBar(schedule, n);
    };
  }

  /** torch.linspace: from both ends towards the middle, a float32 step, one rounding. */
  private static float[] linspace(float start, float end, int n) {
    float[] values = new float[n];
    float step = n == 1 ? 0 : (end - start) / (n - 1);
    for (int i = 0; i < n; i++) {
      double exact = i < n / 2 ? start + (double) step * i : end - (double) step * (n - 1 - i);
      values[i] = (float) exact;
    }
    return n == 1 ? new float[] {start} : values;
  }

  /** beta_t = 1 - alphaBar((t + 1) / n) / alphaBar(t / n), at most 0.999 (arXiv 2102.09672). */
  private static float[] forAlphaBar(String schedule, int n) {
    float[] betas = new float[n];
    for (int i = 0; i < n; i++) {
      double ratio = alphaBar(schedule, (i + 1.0) / n) / alphaBar(schedule, (double) i / n);
      betas[i] = (float) Math.min(1 - ratio, 0.999);
    }
    return betas;
  }

  private static double alphaBar(String schedule, double t) {
    return switch (schedule) {
      case "squaredcos_cap_v2" -> {
        double cos = Math.cos((t + 0.008) / 1.008 * Math.PI / 2);
        yield cos * cos;
      }
      case "exp" -> Math.exp(-12 * t);
      default -> {
        double snr =
            Math.exp(-0.5 * Math.copySign(1, 0.5 - t) * Math.log(1 - 2 * Math.abs(0.5 - t) + 1e-6));
        yield Math.sqrt(snr / (1 + snr));
      }
    };
  }

  /** Shifts and scales sqrt(alphaBar) so that the last is zero (arXiv 2305.08891, algorithm 1). */
  private static void zeroTerminalSnr(float[] betas) {
    float[] roots = cumulative(betas);
    for (int i = 0; i < roots.length; i++) {
      roots[i] = (float) Math.sqrt(roots[i]);
    }
    float first = roots[0];
    float last = roots[roots.length - 1];
    float scale = first / (first - last);
    float previous = 1;
    for (int i = 0; i < roots.length; i++) {
      float root = (roots[i] - last) * scale;
      float bar = root * root;
      betas[i] = 1 - bar / previous;
      previous = bar;
    }
  }

  private static float[] cumulative(float[] betas) {
    float[] products = new float[betas.length];
    double product = 1;
    for (int i = 0; i < betas.length; i++) {
      product *= 1 - betas[i];
      products[i] = (float) product;
    }
    return products;
  }

  int size() {
    return alphasCumprod.length;
  }

  /** alphaBar at a training timestep; those past the last are the last. */
  double alphaBar(int t) {
    return alphasCumprod[Math.min(t, alphasCumprod.length - 1)];
  }

  /** sigma / alpha by training timestep, ascending. */
  float[] sigmas() {
    float[] sigmas = new float[alphasCumprod.length];
    for (int t = 0; t < sigmas.length; t++) {
      float alpha = Math.max(alphasCumprod[t], 0x1p-24f);
      sigmas[t] = (float) Math.sqrt((1 - alpha) / alpha);
    }
    return sigmas;
  }

  /** How many timesteps have log(alpha / sigma) below {@code lambda}. */
  int countBelow(double lambda) {
    int count = 0;
    for (float bar : alphasCumprod) {
      if (0.5 * Math.log(bar / (1.0 - bar)) < lambda) {
        count++;
      }
    }
    return count;
  }
}
