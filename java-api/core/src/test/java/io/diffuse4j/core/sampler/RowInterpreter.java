package io.diffuse4j.core.sampler;

import java.util.Arrays;

/**
 * What {@code d4j_sampler.h} says, in double and as plainly as possible: one sample, NCHW
 * throughout. The reference of the fused kernels.
 */
final class RowInterpreter {
  private final int elements;
  private double[] x;
  private double[] saved;
  private final double[][] stored = new double[3][];

  RowInterpreter(double[] latents) {
    x = latents.clone();
    elements = x.length;
  }

  double[] latents() {
    return x.clone();
  }

  double[] saved() {
    return saved.clone();
  }

  double[] input(Row row) {
    return Arrays.stream(x).map(v -> row.inputScale() * v).toArray();
  }

  /**
   * {@code conditional} and {@code unconditional} (or null) may have a second half, the variance.
   */
  void step(
      Row row,
      double[] conditional,
      double[] unconditional,
      double scale,
      double rescale,
      double[] noise) {
    double[] out = guided(conditional, unconditional, scale, rescale);
    Conversion c = row.conversion();
    double[] x0 = new double[elements];
    for (int i = 0; i < elements; i++) {
      x0[i] = c.x0FromX() * x[i] + c.x0FromOutput() * out[i];
    }
    limit(c.limit(), x0);
    double[] m = new double[elements];
    for (int i = 0; i < elements; i++) {
      m[i] = c.mFromX() * x[i] + c.mFromX0() * x0[i];
    }
    double[] z = row.drawsNoise() ? scaled(row.noiseScale(), noise, conditional) : null;
    double[] next = combine(row.update(), m, out, z);
    if (row.save() != null) {
      saved = combine(row.save(), m, out, z);
    }
    if (row.push()) {
      stored[2] = stored[1];
      stored[1] = stored[0];
      stored[0] = m;
    }
    x = next;
  }

  private double[] guided(double[] c, double[] u, double scale, double rescale) {
    double[] out = Arrays.copyOf(c, elements);
    if (u == null) {
      return out;
    }
    for (int i = 0; i < elements; i++) {
      out[i] = u[i] + scale * (c[i] - u[i]);
    }
    if (rescale > 0) {
      double factor =
          rescale * deviation(Arrays.copyOf(c, elements)) / deviation(out) + 1 - rescale;
      for (int i = 0; i < elements; i++) {
        out[i] *= factor;
      }
    }
    return out;
  }

  private static double deviation(double[] values) {
    double mean = Arrays.stream(values).average().orElseThrow();
    double sum = Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum();
    return Math.sqrt(sum / (values.length - 1));
  }

  private static void limit(Limit limit, double[] x0) {
    double bound = Double.POSITIVE_INFINITY;
    double divisor = 1;
    if (limit instanceof Limit.Clip clip) {
      bound = clip.range();
    } else if (limit instanceof Limit.DynamicThreshold threshold) {
      bound = Math.min(Math.max(quantile(x0, threshold.quantile()), 1), threshold.largest());
      divisor = bound;
    }
    for (int i = 0; i < x0.length; i++) {
      x0[i] = Math.max(-bound, Math.min(bound, x0[i])) / divisor;
    }
  }

  private static double quantile(double[] x0, double q) {
    double[] sorted = Arrays.stream(x0).map(Math::abs).sorted().toArray();
    double rank = q * (sorted.length - 1);
    int below = (int) Math.floor(rank);
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (rank - below) * (sorted[above] - sorted[below]);
  }

  private double[] scaled(NoiseScale scale, double[] noise, double[] conditional) {
    double[] z = noise.clone();
    for (int i = 0; i < elements; i++) {
      if (scale instanceof NoiseScale.LearnedVariance) {
        z[i] *= Math.sqrt(Math.max(0, conditional[elements + i]));
      } else if (scale instanceof NoiseScale.LearnedRange range) {
        double f = (conditional[elements + i] + 1) / 2;
        z[i] *= Math.exp((f * range.maxLogVariance() + (1 - f) * range.minLogVariance()) / 2);
      }
    }
    return z;
  }

  private double[] combine(Combination c, double[] m, double[] out, double[] z) {
    double[][] operands = {x, saved, m, stored[0], stored[1], stored[2], out, z};
    double[] weights = c.terms();
    double[] sum = new double[elements];
    for (int t = 0; t < weights.length; t++) {
      if (weights[t] != 0) {
        for (int i = 0; i < elements; i++) {
          sum[i] += weights[t] * operands[t][i];
        }
      }
    }
    return sum;
  }
}
