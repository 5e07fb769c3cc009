package io.diffuse4j.natives;

import static io.diffuse4j.natives.CpuOpFixture.SCRATCH;
import static io.diffuse4j.natives.CpuOpFixture.activation;
import static io.diffuse4j.natives.CpuOpFixture.assertClose;
import static io.diffuse4j.natives.CpuOpFixture.created;
import static io.diffuse4j.natives.CpuOpFixture.gaussian;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LinearOpTest {
  /** One product in wider rows than it needs, and its value in double. */
  private static final class Case {
    final LinearDesc d = new LinearDesc();
    final Random random;
    final int m;
    final int n;
    final int k0;
    final int k1;
    final int dtype;
    final float[] src0;
    final float[] src1;
    final float[] weight;
    final float[] bias;
    final float[] residual;

    Case(long seed, int m, int n, int k0, int k1, int dtype, boolean wide) {
      this.m = m;
      this.n = n;
      this.k0 = k0;
      this.k1 = k1;
      this.dtype = dtype;
      random = new Random(seed);
      int extra = wide ? 1 + random.nextInt(9) : 0;
      d.m(m).n(n).k0(k0).k1(k1).src_dtype(dtype).dst_dtype(dtype);
      d.src0_stride(k0 + extra).src1_stride(k1 + extra).dst_stride(n + extra);
      d.residual_stride(n + 2 * extra);
      src0 = gaussian(random, m * d.src0_stride(), dtype);
      src1 = gaussian(random, m * d.src1_stride(), dtype);
      weight = gaussian(random, n * (k0 + k1), dtype);
      bias = gaussian(random, n, CpuOps.F32);
      residual = gaussian(random, m * d.residual_stride(), dtype);
    }

    float[] run(int threads) {
      try (CpuOpFixture cpu = new CpuOpFixture(threads)) {
        d.weight(cpu.weight(CpuOps.WEIGHT_LINEAR, weight, dtype, n, k0 + k1));
        d.bias(cpu.vector(bias));
        long op = created(out -> CpuOps.d4j_linear_create(cpu.engine(), d, out));
        int stride = d.dst_stride();
        long dst = cpu.poisoned((long) m * stride, d.dst_dtype());
        String implementation =
            cpu.run(
                op,
                cpu.upload(src0, dtype),
                k1 > 0 ? cpu.upload(src1, dtype) : 0,
                d.residual() != 0 ? cpu.upload(residual, d.dst_dtype()) : 0,
                dst,
                SCRATCH);
        assertFalse(implementation.contains("ref"), this + " runs on " + implementation);
        float[] rows = cpu.download(dst, m * stride, d.dst_dtype());
        float[] dense = new float[m * n];
        for (int i = 0; i < m; i++) {
          System.arraycopy(rows, i * stride, dense, i * n, n);
          for (int j = n; j < stride; j++) {
            assertTrue(Float.isNaN(rows[i * stride + j]), this + " wrote beside its columns");
          }
        }
        return dense;
      }
    }

    double[] expected() {
      double[] out = new double[m * n];
      int stride0 = d.src0_stride();
      int stride1 = d.src1_stride();
      int residualStride = d.residual_stride();
      boolean add = d.residual() != 0;
      for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
          double sum = bias[j];
          for (int k = 0; k < k0; k++) {
            sum += (double) src0[i * stride0 + k] * weight[j * (k0 + k1) + k];
          }
          for (int k = 0; k < k1; k++) {
            sum += (double) src1[i * stride1 + k] * weight[j * (k0 + k1) + k0 + k];
          }
          if (add) {
            sum += residual[i * residualStride + j];
          }
          out[i * n + j] = activation(d.activation(), d.scale() * sum);
        }
      }
      return out;
    }

    @Override
    public String toString() {
      return String.format(
          "dtype %d>%d m%d n%d k%d+%d strides %d %d %d %d residual %d activation %d scale %s",
          dtype,
          d.dst_dtype(),
          m,
          n,
          k0,
          k1,
          d.src0_stride(),
          d.src1_stride(),
          d.dst_stride(),
          d.residual_stride(),
          d.residual(),
          d.activation(),
          d.scale());
    }
  }

  @Tag("isa")
  @ParameterizedTest
  @ValueSource(ints = {CpuOps.F32, CpuOps.BF16})
  void randomProductsMatchDouble(int dtype) {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    int[] sizes = {1, 2, 3, 5, 9, 16, 17, 31, 64, 77, 97, 128, 320};
    for (int i = 0; i < 60; i++) {
      int m = sizes[random.nextInt(12)];
      // A handful of values may happen to cancel: a relative error wants a tensor.
      int n = m < 64 ? sizes[8 + random.nextInt(5)] : sizes[random.nextInt(sizes.length)];
      Case c =
          new Case(
              random.nextLong(),
              m,
              n,
              sizes[random.nextInt(sizes.length)],
              random.nextInt(3) == 0 ? sizes[random.nextInt(11)] : 0,
              dtype,
              random.nextBoolean());
      c.d.residual(random.nextInt(2)).activation(random.nextInt(5));
      c.d.scale(random.nextInt(3) == 0 ? 0.70710677f : 1f);
      if (random.nextBoolean()) {
        c.d.rows_per_sample(1);
      }
      assertClose(c.expected(), c.run(2), dtype, c + " seed " + seed);
    }
  }

  @Test
  void bf16SourcesMayGiveF32() {
    Case c = new Case(5, 33, 65, 48, 0, CpuOps.BF16, false);
    c.d.dst_dtype(CpuOps.F32);
    assertClose(c.expected(), c.run(2), CpuOps.BF16, c.toString());
  }

  @Test
  void residualMayBeTheDestination() {
    Random random = new Random(6);
    float[] x = gaussian(random, 7 * 24, CpuOps.F32);
    float[] weight = gaussian(random, 24 * 24, CpuOps.F32);
    try (CpuOpFixture cpu = new CpuOpFixture(2)) {
      LinearDesc d = new LinearDesc().m(7).n(24).k0(24).residual(1);
      d.weight(cpu.weight(CpuOps.WEIGHT_LINEAR, weight, CpuOps.F32, 24, 24));
      float[] residual = gaussian(random, 7 * 24, CpuOps.F32);
      long dst = cpu.upload(residual, CpuOps.F32);
      long op = created(out -> CpuOps.d4j_linear_create(cpu.engine(), d, out));
      cpu.run(op, cpu.upload(x, CpuOps.F32), 0, dst, dst, SCRATCH);
      double[] expected = new double[7 * 24];
      for (int i = 0; i < 7; i++) {
        for (int j = 0; j < 24; j++) {
          expected[i * 24 + j] = residual[i * 24 + j];
          for (int k = 0; k < 24; k++) {
            expected[i * 24 + j] += (double) x[i * 24 + k] * weight[j * 24 + k];
          }
        }
      }
      assertClose(expected, cpu.download(dst, 7 * 24, CpuOps.F32), CpuOps.F32, "in place");
    }
  }

  @Test
  void sourcesJoinedIntoOneWeightGiveTheirColumns() {
    Random random = new Random(8);
    float[] q = gaussian(random, 5 * 12, CpuOps.F32);
    float[] k = gaussian(random, 9 * 12, CpuOps.F32);
    float[] x = gaussian(random, 4 * 12, CpuOps.F32);
    try (CpuOpFixture cpu = new CpuOpFixture(1)) {
      long first = cpu.upload(q, CpuOps.F32);
      long second = cpu.upload(k, CpuOps.F32);
      long[] sources = {first, second};
      long[] rows = {5, 9};
      long[] dims = {14, 12};
      long weight =
          cpu.own(
              created(
                  out ->
                      CpuOps.d4j_weight_create(
                          cpu.engine(),
                          CpuOps.WEIGHT_LINEAR,
                          sources,
                          rows,
                          2,
                          CpuOps.F32,
                          dims,
                          2,
                          CpuOps.F32,
                          out)));
      LinearDesc d = new LinearDesc().m(4).n(14).k0(12).weight(weight);
      long op = created(out -> CpuOps.d4j_linear_create(cpu.engine(), d, out));
      long dst = cpu.poisoned(4 * 14, CpuOps.F32);
      cpu.run(op, cpu.upload(x, CpuOps.F32), 0, 0, dst, SCRATCH);
      double[] expected = new double[4 * 14];
      for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 14; j++) {
          for (int c = 0; c < 12; c++) {
            float w = j < 5 ? q[j * 12 + c] : k[(j - 5) * 12 + c];
            expected[i * 14 + j] += (double) x[i * 12 + c] * w;
          }
        }
      }
      assertClose(expected, cpu.download(dst, 4 * 14, CpuOps.F32), CpuOps.F32, "joined");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {CpuOps.F32, CpuOps.BF16})
  void batchInvariantRowsDoNotDependOnTheBatchOrThreads(int dtype) {
    Case batch = new Case(9, 8 * 11, 130, 67, 0, dtype, false);
    batch.d.rows_per_sample(11);
    float[] two = batch.run(2);
    assertArrayEquals(two, batch.run(1));
    Case one = new Case(9, 11, 130, 67, 0, dtype, false);
    System.arraycopy(batch.src0, 3 * 11 * 67, one.src0, 0, 11 * 67);
    System.arraycopy(batch.weight, 0, one.weight, 0, 130 * 67);
    System.arraycopy(batch.bias, 0, one.bias, 0, 130);
    float[] third = new float[11 * 130];
    System.arraycopy(two, 3 * 11 * 130, third, 0, third.length);
    assertArrayEquals(third, one.run(2));
  }
}
