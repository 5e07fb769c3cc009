package io.diffuse4j.natives;

import static io.diffuse4j.natives.CpuOpFixture.SCRATCH;
import static io.diffuse4j.natives.CpuOpFixture.assertClose;
import static io.diffuse4j.natives.CpuOpFixture.created;
import static io.diffuse4j.natives.CpuOpFixture.gaussian;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AttentionOpTest {
  /** Self or cross attention over slices of a fused buffer, and its value in double. */
  private static final class Case {
    final int batch;
    final int heads;
    final int dim;
    final int queries;
    final int keys;
    final int dtype;
    boolean causal;
    float scale;
    float[] q;
    float[] k;
    float[] v;

    Case(Random random, int batch, int heads, int dim, int queries, int keys, int dtype) {
      this.batch = batch;
      this.heads = heads;
      this.dim = dim;
      this.queries = queries;
      this.keys = keys;
      this.dtype = dtype;
      scale = (float) (1 / Math.sqrt(dim));
      q = gaussian(random, batch * queries * heads * dim, dtype);
      k = gaussian(random, batch * keys * heads * dim, dtype);
      v = gaussian(random, batch * keys * heads * dim, dtype);
    }

    float[] run(int threads) {
      int columns = heads * dim;
      try (CpuOpFixture cpu = new CpuOpFixture(threads)) {
        AttentionDesc d = new AttentionDesc().batch(batch).heads(heads).head_dim(dim).dtype(dtype);
        d.q_tokens(queries).k_tokens(keys).scale(scale).causal(causal ? 1 : 0);
        d.q_stride(columns + 7).k_stride(2 * columns).v_stride(2 * columns).dst_stride(columns + 5);
        float[] wideQ = new float[batch * queries * (columns + 7)];
        Arrays.fill(wideQ, Float.NaN);
        for (int row = 0; row < batch * queries; row++) {
          System.arraycopy(q, row * columns, wideQ, row * (columns + 7), columns);
        }
        float[] kv = new float[batch * keys * 2 * columns];
        for (int row = 0; row < batch * keys; row++) {
          System.arraycopy(k, row * columns, kv, row * 2 * columns, columns);
          System.arraycopy(v, row * columns, kv, (row * 2 + 1) * columns, columns);
        }
        long op = created(out -> CpuOps.d4j_attention_create(cpu.engine(), d, out));
        long fused = cpu.upload(kv, dtype);
        int rows = batch * queries;
        long dst = cpu.poisoned((long) rows * (columns + 5), dtype);
        long values = fused + (long) columns * CpuOpFixture.bytes(dtype);
        cpu.run(op, cpu.upload(wideQ, dtype), fused, values, dst, SCRATCH);
        float[] wide = cpu.download(dst, rows * (columns + 5), dtype);
        float[] dense = new float[rows * columns];
        for (int row = 0; row < rows; row++) {
          System.arraycopy(wide, row * (columns + 5), dense, row * columns, columns);
          for (int i = columns; i < columns + 5; i++) {
            assertTrue(Float.isNaN(wide[row * (columns + 5) + i]), "wrote beside its columns");
          }
        }
        return dense;
      }
    }

    double[] expected() {
      int columns = heads * dim;
      double[] out = new double[batch * queries * columns];
      double[] weights = new double[keys];
      for (int row = 0; row < batch * queries; row++) {
        int first = row / queries * keys;
        int visible = causal ? row % queries + 1 : keys;
        for (int h = 0; h < heads; h++) {
          double max = Double.NEGATIVE_INFINITY;
          for (int t = 0; t < visible; t++) {
            double dot = 0;
            for (int i = h * dim; i < (h + 1) * dim; i++) {
              dot += (double) q[row * columns + i] * k[(first + t) * columns + i];
            }
            weights[t] = dot * scale;
            max = Math.max(max, weights[t]);
          }
          double total = 0;
          for (int t = 0; t < visible; t++) {
            weights[t] = Math.exp(weights[t] - max);
            total += weights[t];
          }
          for (int t = 0; t < visible; t++) {
            for (int i = h * dim; i < (h + 1) * dim; i++) {
              out[row * columns + i] += weights[t] / total * v[(first + t) * columns + i];
            }
          }
        }
      }
      return out;
    }

    @Override
    public String toString() {
      return String.format(
          "batch %d heads %d dim %d tokens %d,%d dtype %d causal %b scale %s",
          batch, heads, dim, queries, keys, dtype, causal, scale);
    }
  }

  @Tag("isa")
  @ParameterizedTest
  @ValueSource(ints = {CpuOps.F32, CpuOps.BF16})
  void randomAttentionsMatchDouble(int dtype) {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    int[] dims = {1, 2, 3, 5, 8, 17, 31, 32, 40, 64, 80, 97, 160, 255, 256, 512};
    int[] tokens = {1, 2, 7, 16, 17, 33, 63, 64, 65, 77, 129, 200};
    for (int i = 0; i < 45; i++) {
      int dim = dims[i % dims.length];
      int queries = tokens[random.nextInt(tokens.length)];
      boolean causal = random.nextInt(3) == 0;
      int keys = causal ? queries : tokens[random.nextInt(tokens.length)];
      // A handful of values may happen to cancel: a relative error wants a tensor.
      int heads = Math.max(1 + random.nextInt(4), 64 / (dim * queries));
      int batch = 1 + random.nextInt(3);
      Case c = new Case(random, batch, heads, dim, queries, keys, dtype);
      c.causal = causal;
      assertClose(c.expected(), c.run(2), dtype, c + " seed " + seed);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {CpuOps.F32, CpuOps.BF16})
  void longSequencesMatchDouble(int dtype) {
    Case c = new Case(new Random(1), 1, 1, 40, 1500, 2111, dtype);
    assertClose(c.expected(), c.run(2), dtype, c.toString());
  }

  @Test
  void largeScoresNeverOverflow() {
    Case c = new Case(new Random(2), 1, 2, 16, 50, 70, CpuOps.F32);
    c.scale = 64;
    double[] expected = c.expected();
    float[] actual = c.run(2);
    for (int i = 0; i < expected.length; i++) {
      assertTrue(Float.isFinite(actual[i]));
      // Scores near 1000 carry an absolute error of 1e-4, and so do the logarithms of the weights.
      assertTrue(Math.abs(actual[i] - expected[i]) < 1e-2, c + " at " + i);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {CpuOps.F32, CpuOps.BF16})
  void bitsDependNeitherOnThreadsNorOnTheBatch(int dtype) {
    Random random = new Random(3);
    Case c = new Case(random, 3, 2, 40, 150, 77, dtype);
    float[] two = c.run(2);
    assertArrayEquals(two, c.run(1));
    Case one = new Case(random, 1, 2, 40, 150, 77, dtype);
    int rows = 150 * 80;
    for (int i = 0; i < 3; i++) {
      one.q = Arrays.copyOfRange(c.q, i * rows, (i + 1) * rows);
      one.k = Arrays.copyOfRange(c.k, i * 77 * 80, (i + 1) * 77 * 80);
      one.v = Arrays.copyOfRange(c.v, i * 77 * 80, (i + 1) * 77 * 80);
      assertArrayEquals(Arrays.copyOfRange(two, i * rows, (i + 1) * rows), one.run(2));
    }
  }
}
