package io.diffuse4j.natives;

import static io.diffuse4j.natives.CpuOpFixture.activation;
import static io.diffuse4j.natives.CpuOpFixture.assertClose;
import static io.diffuse4j.natives.CpuOpFixture.created;
import static io.diffuse4j.natives.CpuOpFixture.gaussian;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("isa")
class SmallOpTest {
  @ParameterizedTest
  @ValueSource(ints = {CpuOps.F32, CpuOps.BF16})
  void elementwiseKindsMatchDouble(int dtype) {
    Random random = new Random(1);
    for (int count : new int[] {1, 3, 15, 16, 17, 1000, 40001}) {
      float[] a = gaussian(random, count, dtype, 0, 4);
      float[] b = gaussian(random, count, dtype);
      for (int kind = CpuOps.ELEMENTWISE_SILU; kind <= CpuOps.ELEMENTWISE_SCALE; kind++) {
        for (int out : new int[] {CpuOps.F32, CpuOps.BF16}) {
          double[] expected = new double[count];
          for (int i = 0; i < count; i++) {
            expected[i] =
                switch (kind) {
                  case CpuOps.ELEMENTWISE_SILU -> activation(CpuOps.ACTIVATION_SILU, a[i]);
                  case CpuOps.ELEMENTWISE_ADD -> 0.75 * ((double) a[i] + b[i]);
                  default -> 0.75 * a[i];
                };
          }
          try (CpuOpFixture cpu = new CpuOpFixture(2)) {
            ElementwiseDesc d = new ElementwiseDesc().kind(kind).count(count).scale(0.75f);
            d.src_dtype(dtype).dst_dtype(out);
            long op = created(o -> CpuOps.d4j_elementwise_create(cpu.engine(), d, o));
            long dst = cpu.poisoned(count, out);
            cpu.run(op, cpu.upload(a, dtype), cpu.upload(b, dtype), dst);
            assertClose(expected, cpu.download(dst, count, out), out, kind + " of " + count);
          }
        }
      }
    }
  }

  @Test
  void extremeInputsStayFinite() {
    float[] x = {-3e38f, -1e10f, -200, -90, -88, -0f, 0, 88, 90, 200, 1e10f, 3e38f};
    try (CpuOpFixture cpu = new CpuOpFixture(1)) {
      ElementwiseDesc d = new ElementwiseDesc().kind(CpuOps.ELEMENTWISE_SILU).count(x.length);
      long op = created(o -> CpuOps.d4j_elementwise_create(cpu.engine(), d, o));
      long dst = cpu.poisoned(x.length, CpuOps.F32);
      cpu.run(op, cpu.upload(x, CpuOps.F32), 0, dst);
      float[] y = cpu.download(dst, x.length, CpuOps.F32);
      for (int i = 0; i < x.length; i++) {
        double expected = activation(CpuOps.ACTIVATION_SILU, x[i]);
        assertEquals(expected, y[i], 1e-6 * Math.max(1, Math.abs(x[i])), "silu of " + x[i]);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {CpuOps.F32, CpuOps.BF16})
  void gegluMatchesDouble(int dtype) {
    Random random = new Random(2);
    for (int c : new int[] {1, 5, 16, 33, 320}) {
      int rows = 40;
      float[] x = gaussian(random, rows * (2 * c + 3), dtype, 0, 2);
      double[] expected = new double[rows * c];
      for (int i = 0; i < expected.length; i++) {
        int at = i / c * (2 * c + 3) + i % c;
        expected[i] = x[at] * activation(CpuOps.ACTIVATION_GELU_ERF, x[at + c]);
      }
      try (CpuOpFixture cpu = new CpuOpFixture(2)) {
        GegluDesc d = new GegluDesc().dtype(dtype).rows(rows).c(c).src_stride(2 * c + 3);
        long op = created(o -> CpuOps.d4j_geglu_create(cpu.engine(), d, o));
        long dst = cpu.poisoned((long) rows * c, dtype);
        cpu.run(op, cpu.upload(x, dtype), dst);
        assertClose(expected, cpu.download(dst, rows * c, dtype), dtype, "c " + c);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {CpuOps.F32, CpuOps.BF16})
  void addEmbeddingAddsItsSamplesRow(int dtype) {
    Random random = new Random(3);
    int n = 3;
    int hw = 35;
    int c = 19;
    float[] x = gaussian(random, n * hw * c, dtype);
    float[] embedding = gaussian(random, n * (c + 4), CpuOps.F32);
    double[] expected = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      expected[i] = (double) x[i] + embedding[i / (hw * c) * (c + 4) + i % c];
    }
    try (CpuOpFixture cpu = new CpuOpFixture(2)) {
      AddEmbeddingDesc d = new AddEmbeddingDesc().dtype(dtype).n(n).hw(hw).c(c);
      d.embedding_stride(c + 4);
      long op = created(o -> CpuOps.d4j_add_embedding_create(cpu.engine(), d, o));
      long inPlace = cpu.upload(x, dtype);
      cpu.run(op, inPlace, cpu.upload(embedding, CpuOps.F32), inPlace);
      assertClose(expected, cpu.download(inPlace, x.length, dtype), dtype, "in place");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {CpuOps.F32, CpuOps.BF16})
  void resamplingMatchesItsDefinition(int dtype) {
    Random random = new Random(4);
    int n = 2;
    int h = 6;
    int w = 10;
    int c = 17;
    float[] x = gaussian(random, n * h * w * c, dtype);
    double[] pooled = new double[n * h * w * c / 4];
    double[] wide = new double[n * h * w * c * 4];
    for (int i = 0; i < x.length; i++) {
      int channel = i % c;
      int column = i / c % w;
      int row = i / c / w;
      pooled[(row / 2 * (w / 2) + column / 2) * c + channel] += 0.25 * x[i];
      for (int k = 0; k < 4; k++) {
        wide[((2 * row + k / 2) * 2 * w + 2 * column + k % 2) * c + channel] = x[i];
      }
    }
    try (CpuOpFixture cpu = new CpuOpFixture(2)) {
      ResampleDesc d = new ResampleDesc().dtype(dtype).n(n).h(h).w(w).c(c);
      long src = cpu.upload(x, dtype);
      long pool = created(o -> CpuOps.d4j_resample_create(cpu.engine(), d, o));
      long small = cpu.poisoned(pooled.length, dtype);
      cpu.run(pool, src, small);
      assertClose(pooled, cpu.download(small, pooled.length, dtype), dtype, "pool");
      d.kind(CpuOps.RESAMPLE_NEAREST_2X);
      long nearest = created(o -> CpuOps.d4j_resample_create(cpu.engine(), d, o));
      long large = cpu.poisoned(wide.length, dtype);
      cpu.run(nearest, src, large);
      assertClose(wide, cpu.download(large, wide.length, dtype), dtype, "nearest");
    }
  }

  @Test
  void copiesLookupsAndLayoutsMoveExactValues() {
    Random random = new Random(5);
    float[] x = gaussian(random, 7 * 12, CpuOps.BF16);
    try (CpuOpFixture cpu = new CpuOpFixture(2)) {
      CopyDesc copy = new CopyDesc().rows(7).columns(9).src_stride(12).dst_stride(11);
      copy.src_dtype(CpuOps.BF16);
      long op = created(o -> CpuOps.d4j_copy_create(cpu.engine(), copy, o));
      long dst = cpu.poisoned(7 * 11, CpuOps.F32);
      cpu.run(op, cpu.upload(x, CpuOps.BF16), dst);
      float[] moved = cpu.download(dst, 7 * 11, CpuOps.F32);
      for (int i = 0; i < moved.length; i++) {
        assertEquals(i % 11 < 9 ? x[i / 11 * 12 + i % 11] : Float.NaN, moved[i]);
      }

      long table = cpu.weight(CpuOps.WEIGHT_TABLE, x, CpuOps.BF16, 12, 7);
      EmbeddingLookupDesc lookup = new EmbeddingLookupDesc().table(table).count(4).c(7);
      long find = created(o -> CpuOps.d4j_embedding_lookup_create(cpu.engine(), lookup, o));
      int[] ids = {11, 0, 5, 5};
      long rows = cpu.poisoned(4 * 7, CpuOps.F32);
      cpu.run(find, cpu.upload(ids), rows);
      float[] found = cpu.download(rows, 28, CpuOps.F32);
      for (int i = 0; i < 28; i++) {
        assertEquals(x[ids[i / 7] * 7 + i % 7], found[i]);
      }

      float[] nchw = gaussian(random, 2 * 3 * 5 * 4, CpuOps.BF16);
      LayoutDesc layout = new LayoutDesc().dtype(CpuOps.BF16).n(2).c(3).h(5).w(4);
      long in = created(o -> CpuOps.d4j_layout_create(cpu.engine(), layout, o));
      long nhwc = cpu.poisoned(nchw.length, CpuOps.BF16);
      cpu.run(in, cpu.upload(nchw, CpuOps.F32), nhwc);
      float[] turned = cpu.download(nhwc, nchw.length, CpuOps.BF16);
      for (int i = 0; i < nchw.length; i++) {
        int pixel = i % 20;
        assertEquals(nchw[i], turned[(i / 60 * 20 + pixel) * 3 + i / 20 % 3]);
      }
      layout.kind(CpuOps.LAYOUT_NHWC_TO_NCHW);
      long out = created(o -> CpuOps.d4j_layout_create(cpu.engine(), layout, o));
      long back = cpu.poisoned(nchw.length, CpuOps.F32);
      cpu.run(out, nhwc, back);
      assertArrayEquals(nchw, cpu.download(back, nchw.length, CpuOps.F32));
    }
  }

  @Test
  void sinusoidsHaveTheRequestedOrderAndFrequencies() {
    float[] timesteps = {0, 1, 17, 999, 0.25f};
    for (int dim : new int[] {32, 320, 33}) {
      for (int flip = 0; flip <= 1; flip++) {
        int half = dim / 2;
        double[] expected = new double[timesteps.length * dim];
        for (int i = 0; i < timesteps.length; i++) {
          for (int j = 0; j < half; j++) {
            float exponent = (float) -Math.log(10000) * j / (half - 1f);
            float angle = timesteps[i] * (float) Math.exp(exponent);
            expected[i * dim + (flip == 0 ? 0 : half) + j] = Math.sin(angle);
            expected[i * dim + (flip == 0 ? half : 0) + j] = Math.cos(angle);
          }
        }
        try (CpuOpFixture cpu = new CpuOpFixture(1)) {
          TimestepDesc d = new TimestepDesc().n(timesteps.length).dim(dim).flip_sin_to_cos(flip);
          long op = created(o -> CpuOps.d4j_timestep_create(cpu.engine(), d, o));
          long dst = cpu.poisoned(expected.length, CpuOps.F32);
          cpu.run(op, cpu.upload(timesteps, CpuOps.F32), dst);
          float[] actual = cpu.download(dst, expected.length, CpuOps.F32);
          assertClose(expected, actual, CpuOps.F32, "dim " + dim + " flip " + flip);
        }
      }
    }
  }

  @Test
  void fourierFeaturesUseTheWeightsFrequencies() {
    float[] sigmas = {0.02f, 1, 80};
    float[] frequencies = gaussian(new Random(6), 16, CpuOps.F32, 0, 16);
    double[] expected = new double[3 * 32];
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < 16; j++) {
        float angle = (float) Math.log(sigmas[i]) * frequencies[j] * 2f * (float) Math.PI;
        expected[i * 32 + j] = Math.sin(angle);
        expected[i * 32 + 16 + j] = Math.cos(angle);
      }
    }
    try (CpuOpFixture cpu = new CpuOpFixture(1)) {
      TimestepDesc d = new TimestepDesc().kind(CpuOps.TIMESTEP_FOURIER).n(3).dim(32).log(1);
      d.frequencies(cpu.vector(frequencies));
      long op = created(o -> CpuOps.d4j_timestep_create(cpu.engine(), d, o));
      long dst = cpu.poisoned(96, CpuOps.F32);
      cpu.run(op, cpu.upload(sigmas, CpuOps.F32), dst);
      assertClose(expected, cpu.download(dst, 96, CpuOps.F32), CpuOps.F32, "fourier");
    }
  }
}
