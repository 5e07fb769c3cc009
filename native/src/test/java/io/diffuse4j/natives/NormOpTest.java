package io.diffuse4j.natives;

import static io.diffuse4j.natives.CpuOpFixture.SCRATCH;
import static io.diffuse4j.natives.CpuOpFixture.activation;
import static io.diffuse4j.natives.CpuOpFixture.assertClose;
import static io.diffuse4j.natives.CpuOpFixture.created;
import static io.diffuse4j.natives.CpuOpFixture.gaussian;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NormOpTest {
  /** One group norm with its operands, and its value in double. */
  private static final class Group {
    final int n;
    final int hw;
    final int c0;
    final int c1;
    final int groups;
    final int srcDtype;
    final int dstDtype;
    boolean embedded;
    boolean film;
    boolean silu;
    float[] src0;
    float[] src1;
    float[] gamma;
    float[] beta;
    float[] embedding;
    float[] filmRows;

    Group(Random random, int n, int hw, int c0, int c1, int groups, int src, int dst, double mean) {
      this.n = n;
      this.hw = hw;
      this.c0 = c0;
      this.c1 = c1;
      this.groups = groups;
      srcDtype = src;
      dstDtype = dst;
      int c = c0 + c1;
      src0 = gaussian(random, n * hw * c0, src, mean, 1);
      src1 = gaussian(random, n * hw * c1, src, mean, 1);
      gamma = gaussian(random, c, CpuOps.F32, 1, 0.3);
      beta = gaussian(random, c, CpuOps.F32);
      embedding = gaussian(random, n * (c + 3), CpuOps.F32);
      filmRows = gaussian(random, n * (2 * c + 5), CpuOps.F32);
    }

    float[] run(int threads) {
      int c = c0 + c1;
      try (CpuOpFixture cpu = new CpuOpFixture(threads)) {
        GroupNormDesc d = new GroupNormDesc().n(n).hw(hw).c0(c0).c1(c1).groups(groups).eps(1e-5f);
        d.src_dtype(srcDtype).dst_dtype(dstDtype).gamma(cpu.vector(gamma)).beta(cpu.vector(beta));
        d.embedding(embedded ? 1 : 0).embedding_stride(c + 3);
        d.film(film ? 1 : 0).film_stride(2 * c + 5);
        d.activation(silu ? CpuOps.ACTIVATION_SILU : CpuOps.ACTIVATION_NONE);
        long op = created(out -> CpuOps.d4j_group_norm_create(cpu.engine(), d, out));
        long dst = cpu.poisoned((long) n * hw * c, dstDtype);
        cpu.run(
            op,
            cpu.upload(src0, srcDtype),
            c1 > 0 ? cpu.upload(src1, srcDtype) : 0,
            embedded ? cpu.upload(embedding, CpuOps.F32) : 0,
            film ? cpu.upload(filmRows, CpuOps.F32) : 0,
            dst,
            SCRATCH);
        return cpu.download(dst, n * hw * c, dstDtype);
      }
    }

    double input(int i, int p, int c) {
      double x = c < c0 ? src0[(i * hw + p) * c0 + c] : src1[(i * hw + p) * c1 + c - c0];
      return embedded ? x + embedding[i * (c0 + c1 + 3) + c] : x;
    }

    double[] expected() {
      int channels = c0 + c1;
      int per = channels / groups;
      double[] out = new double[n * hw * channels];
      for (int i = 0; i < n; i++) {
        for (int g = 0; g < groups; g++) {
          double mean = 0;
          for (int p = 0; p < hw; p++) {
            for (int c = g * per; c < (g + 1) * per; c++) {
              mean += input(i, p, c);
            }
          }
          mean /= hw * per;
          double variance = 0;
          for (int p = 0; p < hw; p++) {
            for (int c = g * per; c < (g + 1) * per; c++) {
              variance += Math.pow(input(i, p, c) - mean, 2);
            }
          }
          double rstd = 1 / Math.sqrt(variance / (hw * per) + 1e-5f);
          for (int p = 0; p < hw; p++) {
            for (int c = g * per; c < (g + 1) * per; c++) {
              double y = (input(i, p, c) - mean) * rstd * gamma[c] + beta[c];
              if (film) {
                int row = i * (2 * channels + 5);
                y = y * (1.0 + filmRows[row + c]) + filmRows[row + channels + c];
              }
              out[(i * hw + p) * channels + c] = silu ? activation(CpuOps.ACTIVATION_SILU, y) : y;
            }
          }
        }
      }
      return out;
    }

    @Override
    public String toString() {
      return String.format(
          "n%d hw%d c%d+%d groups %d dtypes %d %d embedding %b film %b silu %b",
          n, hw, c0, c1, groups, srcDtype, dstDtype, embedded, film, silu);
    }
  }

  @Tag("isa")
  @ParameterizedTest
  @ValueSource(ints = {CpuOps.F32, CpuOps.BF16})
  void randomGroupNormsMatchDouble(int dtype) {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    int[] pixels = {1, 2, 7, 16, 63, 64, 65, 127, 131, 257, 1024};
    int[] perGroup = {1, 3, 4, 5, 9, 10, 17, 20, 32};
    for (int i = 0; i < 40; i++) {
      int groups = 1 + random.nextInt(8);
      int c = groups * perGroup[random.nextInt(perGroup.length)];
      int c1 = random.nextBoolean() && c > 1 ? 1 + random.nextInt(c - 1) : 0;
      int out = dtype == CpuOps.F32 || random.nextInt(4) > 0 ? dtype : CpuOps.F32;
      int hw = pixels[random.nextInt(pixels.length)];
      Group g = new Group(random, 1 + random.nextInt(9), hw, c - c1, c1, groups, dtype, out, 0);
      g.embedded = random.nextBoolean();
      g.film = random.nextInt(3) == 0;
      g.silu = random.nextBoolean();
      assertClose(g.expected(), g.run(2), out, g + " seed " + seed);
    }
  }

  @Test
  void meansOfAThousandDeviationsDoNotCancel() {
    Group g = new Group(new Random(1), 2, 300, 20, 12, 4, CpuOps.F32, CpuOps.F32, 1000);
    assertClose(g.expected(), g.run(2), CpuOps.F32, g.toString());
    Group negative = new Group(new Random(2), 1, 64, 17, 0, 1, CpuOps.F32, CpuOps.F32, -30000);
    assertClose(negative.expected(), negative.run(2), CpuOps.F32, negative.toString());
  }

  @Test
  void anOutlierInTheFirstPixelDoesNotCancel() {
    Group g = new Group(new Random(3), 1, 256, 8, 0, 2, CpuOps.F32, CpuOps.F32, 0);
    g.src0[0] = 1e4f;
    assertClose(g.expected(), g.run(1), CpuOps.F32, g.toString());
  }

  @Test
  void constantInputGivesBeta() {
    Group g = new Group(new Random(4), 2, 35, 12, 0, 3, CpuOps.F32, CpuOps.F32, 0);
    Arrays.fill(g.src0, 7.25f);
    assertClose(g.expected(), g.run(2), CpuOps.F32, g.toString());
  }

  @ParameterizedTest
  @ValueSource(ints = {CpuOps.F32, CpuOps.BF16})
  void groupNormBitsDependNeitherOnThreadsNorOnTheBatch(int dtype) {
    Random random = new Random(5);
    Group g = new Group(random, 5, 1000, 30, 10, 4, dtype, dtype, 3);
    g.silu = true;
    float[] two = g.run(2);
    assertArrayEquals(two, g.run(1));
    Group one = new Group(random, 1, 1000, 30, 10, 4, dtype, dtype, 3);
    one.silu = true;
    one.gamma = g.gamma;
    one.beta = g.beta;
    for (int i = 0; i < 5; i++) {
      one.src0 = Arrays.copyOfRange(g.src0, i * 30000, (i + 1) * 30000);
      one.src1 = Arrays.copyOfRange(g.src1, i * 10000, (i + 1) * 10000);
      assertArrayEquals(Arrays.copyOfRange(two, i * 40000, (i + 1) * 40000), one.run(2));
    }
  }

  @Tag("isa")
  @ParameterizedTest
  @ValueSource(ints = {CpuOps.F32, CpuOps.BF16})
  void randomLayerNormsMatchDouble(int dtype) {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int c : new int[] {1, 2, 3, 5, 9, 15, 16, 17, 33, 64, 77, 320, 768, 1280}) {
      int rows = 1 + random.nextInt(80);
      double mean = dtype == CpuOps.F32 && random.nextBoolean() ? 1000 : 0.5;
      float[] x = gaussian(random, rows * (c + 2), dtype, mean, 2);
      float[] gamma = gaussian(random, c, CpuOps.F32, 1, 0.3);
      float[] beta = gaussian(random, c, CpuOps.F32);
      boolean affine = random.nextInt(4) > 0;
      double[] expected = new double[rows * c];
      for (int r = 0; r < rows; r++) {
        double average = 0;
        for (int i = 0; i < c; i++) {
          average += (double) x[r * (c + 2) + i] / c;
        }
        double variance = 0;
        for (int i = 0; i < c; i++) {
          variance += Math.pow(x[r * (c + 2) + i] - average, 2) / c;
        }
        for (int i = 0; i < c; i++) {
          double y = (x[r * (c + 2) + i] - average) / Math.sqrt(variance + 1e-5f);
          expected[r * c + i] = affine ? y * gamma[i] + beta[i] : y;
        }
      }
      for (int threads = 1; threads <= 2; threads++) {
        try (CpuOpFixture cpu = new CpuOpFixture(threads)) {
          LayerNormDesc d = new LayerNormDesc().rows(rows).c(c).eps(1e-5f).src_stride(c + 2);
          d.src_dtype(dtype).dst_dtype(dtype);
          if (affine) {
            d.gamma(cpu.vector(gamma)).beta(cpu.vector(beta));
          }
          long op = created(out -> CpuOps.d4j_layer_norm_create(cpu.engine(), d, out));
          long dst = cpu.poisoned((long) rows * c, dtype);
          cpu.run(op, cpu.upload(x, dtype), dst);
          float[] actual = cpu.download(dst, rows * c, dtype);
          assertClose(expected, actual, dtype, "c " + c + " mean " + mean + " seed " + seed);
        }
      }
    }
  }
}
