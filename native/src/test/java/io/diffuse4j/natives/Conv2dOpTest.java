package io.diffuse4j.natives;

import static io.diffuse4j.natives.CpuOpFixture.SCRATCH;
import static io.diffuse4j.natives.CpuOpFixture.activation;
import static io.diffuse4j.natives.CpuOpFixture.assertClose;
import static io.diffuse4j.natives.CpuOpFixture.created;
import static io.diffuse4j.natives.CpuOpFixture.gaussian;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Conv2dOpTest {
  /** One convolution with its operands, and its value in double. */
  private static final class Case {
    final Conv2dDesc d = new Conv2dDesc();
    final Random random;
    int dtype = CpuOps.F32;
    float[] src0;
    float[] src1;
    float[] weight;
    float[] bias;
    float[] residual;

    Case(long seed) {
      random = new Random(seed);
    }

    int outH() {
      return (d.upsample() * d.h() + d.pad_top() + d.pad_bottom() - d.kh()) / d.stride_h() + 1;
    }

    int outW() {
      return (d.upsample() * d.w() + d.pad_left() + d.pad_right() - d.kw()) / d.stride_w() + 1;
    }

    int outCount() {
      return d.n() * outH() * outW() * d.k();
    }

    Case shape(int n, int h, int w, int c0, int c1, int k, int filter) {
      int pad = filter / 2;
      d.n(n).h(h).w(w).c0(c0).c1(c1).k(k).kh(filter).kw(filter);
      d.pad_top(pad).pad_left(pad).pad_bottom(pad).pad_right(pad);
      return this;
    }

    Case fill(int type) {
      dtype = type;
      d.src_dtype(type);
      if (type == CpuOps.F32) {
        d.dst_dtype(CpuOps.F32);
      }
      int pixels = d.n() * d.h() * d.w();
      int c = d.c0() + d.c1();
      src0 = gaussian(random, pixels * d.c0(), type);
      src1 = gaussian(random, pixels * d.c1(), type);
      weight = gaussian(random, d.k() * c * d.kh() * d.kw(), type);
      bias = gaussian(random, d.k(), CpuOps.F32);
      residual = gaussian(random, outCount(), d.dst_dtype());
      return this;
    }

    float[] run(int threads, boolean mayBeReference) {
      try (CpuOpFixture cpu = new CpuOpFixture(threads)) {
        return run(cpu, weightIn(cpu), mayBeReference);
      }
    }

    long weightIn(CpuOpFixture cpu) {
      return cpu.weight(CpuOps.WEIGHT_CONV, weight, dtype, d.k(), d.c0() + d.c1(), d.kh(), d.kw());
    }

    float[] run(CpuOpFixture cpu, long weightHandle, boolean mayBeReference) {
      d.weight(weightHandle).bias(cpu.vector(bias));
      long op = created(out -> CpuOps.d4j_conv2d_create(cpu.engine(), d, out));
      long dst = cpu.poisoned(outCount(), d.dst_dtype());
      String implementation =
          cpu.run(
              op,
              cpu.upload(src0, dtype),
              d.c1() > 0 ? cpu.upload(src1, dtype) : 0,
              d.residual() != 0 ? cpu.upload(residual, d.dst_dtype()) : 0,
              dst,
              SCRATCH);
      if (!mayBeReference) {
        assertFalse(implementation.contains("ref"), this + " runs on " + implementation);
      }
      return cpu.download(dst, outCount(), d.dst_dtype());
    }

    double[] expected() {
      // Locals: every field of the descriptor is a native call.
      int h = d.upsample() * d.h();
      int w = d.upsample() * d.w();
      int c0 = d.c0();
      int c1 = d.c1();
      int kh = d.kh();
      int kw = d.kw();
      int k = d.k();
      int up = d.upsample();
      int rowsIn = d.h();
      int columnsIn = d.w();
      int outH = outH();
      int outW = outW();
      boolean add = d.residual() != 0;
      double[] out = new double[outCount()];
      for (int pixelOut = 0; pixelOut < d.n() * outH * outW; pixelOut++) {
        int n = pixelOut / (outH * outW);
        int top = pixelOut / outW % outH * d.stride_h() - d.pad_top();
        int left = pixelOut % outW * d.stride_w() - d.pad_left();
        double[] sum = new double[k];
        for (int fy = 0; fy < kh; fy++) {
          for (int fx = 0; fx < kw; fx++) {
            int y = top + fy;
            int x = left + fx;
            if (y < 0 || y >= h || x < 0 || x >= w) {
              continue;
            }
            int pixel = (n * rowsIn + y / up) * columnsIn + x / up;
            for (int o = 0; o < k; o++) {
              for (int i = 0; i < c0 + c1; i++) {
                double value = i < c0 ? src0[pixel * c0 + i] : src1[pixel * c1 + i - c0];
                sum[o] += value * weight[((o * (c0 + c1) + i) * kh + fy) * kw + fx];
              }
            }
          }
        }
        for (int o = 0; o < k; o++) {
          double total = sum[o] + bias[o] + (add ? residual[pixelOut * k + o] : 0);
          out[pixelOut * k + o] = activation(d.activation(), d.scale() * total);
        }
      }
      return out;
    }

    @Override
    public String toString() {
      return String.format(
          "dtype %d>%d n%d %dx%d c%d+%d k%d f%dx%d s%d,%d p%d,%d,%d,%d up%d res%d act%d scale%s",
          dtype,
          d.dst_dtype(),
          d.n(),
          d.h(),
          d.w(),
          d.c0(),
          d.c1(),
          d.k(),
          d.kh(),
          d.kw(),
          d.stride_h(),
          d.stride_w(),
          d.pad_top(),
          d.pad_left(),
          d.pad_bottom(),
          d.pad_right(),
          d.upsample(),
          d.residual(),
          d.activation(),
          d.scale());
    }
  }

  @Tag("isa")
  @ParameterizedTest
  @ValueSource(ints = {CpuOps.F32, CpuOps.BF16})
  void randomConvolutionsMatchDouble(int dtype) {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    int[] channels = {1, 3, 4, 5, 8, 9, 16, 17, 31, 32, 48, 64};
    for (int i = 0; i < 40; i++) {
      Case c = new Case(random.nextLong());
      int filter = random.nextInt(3) == 0 ? 1 : 3;
      boolean two = random.nextInt(3) == 0;
      c.shape(
          1 + random.nextInt(i < 36 ? 3 : 9),
          1 + random.nextInt(13),
          1 + random.nextInt(13),
          channels[random.nextInt(channels.length)],
          two ? channels[random.nextInt(channels.length)] : 0,
          channels[random.nextInt(channels.length)],
          filter);
      if (c.outCount() < 64) {
        // A handful of values may happen to cancel: a relative error wants a tensor.
        c.d.h(8).w(9);
      }
      c.d.upsample(random.nextInt(4) == 0 ? 2 : 1);
      if (c.d.upsample() == 1 && random.nextInt(4) == 0 && c.d.h() > 2 && c.d.w() > 2) {
        c.d.stride_h(2).stride_w(2);
        if (filter == 3 && random.nextBoolean()) {
          c.d.pad_top(0).pad_left(0);
        }
      }
      c.d.residual(random.nextInt(2)).activation(random.nextInt(2));
      c.d.scale(random.nextInt(3) == 0 ? 0.70710677f : 1f);
      c.d.batch_invariant(random.nextInt(2));
      c.d.dst_dtype(random.nextInt(4) == 0 ? CpuOps.F32 : dtype);
      c.fill(dtype);
      assertClose(
          c.expected(),
          c.run(2, true),
          c.d.dst_dtype() == dtype ? dtype : CpuOps.BF16,
          c + " seed " + seed);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {CpuOps.F32, CpuOps.BF16})
  void diffusionShapesNeverFallToReferenceCode(int dtype) {
    int[][] shapes = {
      {32, 32, 1, 0, 32, 3}, {32, 32, 32, 0, 32, 3}, {32, 32, 32, 0, 1, 3},
      {16, 16, 32, 0, 64, 3}, {16, 16, 64, 32, 64, 3}, {16, 16, 96, 64, 64, 1},
      {8, 8, 96, 0, 96, 3}, {4, 4, 128, 128, 128, 3}, {4, 4, 128, 96, 128, 1},
      {16, 16, 4, 0, 40, 3}, {16, 16, 9, 0, 40, 3}, {16, 16, 40, 0, 4, 3},
      {8, 8, 3, 0, 24, 3}, {8, 8, 24, 0, 3, 3},
    };
    for (int[] s : shapes) {
      for (int variant = 0; variant < 4; variant++) {
        Case c = new Case(7).shape(1 + variant % 2, s[0], s[1], s[2], s[3], s[4], s[5]);
        if (variant == 2) {
          c.d.residual(1).scale(0.5f).activation(CpuOps.ACTIVATION_SILU);
        }
        if (variant == 3 && s[5] == 3) {
          c.d.stride_h(2).stride_w(2);
        }
        c.d.dst_dtype(dtype);
        c.fill(dtype);
        assertClose(c.expected(), c.run(2, false), dtype, c.toString());
      }
    }
  }

  @Tag("isa")
  @ParameterizedTest
  @ValueSource(ints = {CpuOps.F32, CpuOps.BF16})
  void convolutionsOfUpsampledImagesMatchDouble(int dtype) {
    int[][] shapes = {{1, 1, 1, 16, 9}, {2, 5, 7, 17, 33}, {3, 4, 4, 128, 64}, {1, 16, 16, 64, 64}};
    for (int[] s : shapes) {
      for (int residual = 0; residual <= 1; residual++) {
        Case c = new Case(13).shape(s[0], s[1], s[2], s[3], 0, s[4], 3);
        c.d.upsample(2).residual(residual).activation(CpuOps.ACTIVATION_SILU).dst_dtype(dtype);
        c.fill(dtype);
        assertClose(c.expected(), c.run(2, true), dtype, c.toString());
      }
    }
  }

  @Test
  void oneWeightServesUpsamplingOfAllSizes() {
    Case first = new Case(14).shape(1, 4, 4, 24, 0, 16, 3);
    first.d.upsample(2);
    first.fill(CpuOps.F32);
    try (CpuOpFixture cpu = new CpuOpFixture(2)) {
      long weight = first.weightIn(cpu);
      assertClose(first.expected(), first.run(cpu, weight, false), CpuOps.F32, "first");
      Case other = new Case(15).shape(5, 9, 8, 24, 0, 16, 3);
      other.d.upsample(2);
      other.fill(CpuOps.F32);
      other.weight = first.weight;
      assertClose(other.expected(), other.run(cpu, weight, false), CpuOps.F32, "other");
    }
  }

  @Test
  void weightsAreSharedByOpsOfOtherSizesAndBatches() {
    Case small = new Case(3).shape(1, 5, 7, 24, 8, 16, 3).fill(CpuOps.F32);
    try (CpuOpFixture cpu = new CpuOpFixture(2)) {
      long weight = small.weightIn(cpu);
      assertClose(small.expected(), small.run(cpu, weight, false), CpuOps.F32, "first");
      long bytes = created(out -> CpuOps.d4j_weight_bytes(weight, out));
      for (int n : new int[] {1, 2, 9}) {
        Case other = new Case(4).shape(n, 16, 16, 24, 8, 16, 3).fill(CpuOps.F32);
        other.weight = small.weight;
        assertClose(other.expected(), other.run(cpu, weight, false), CpuOps.F32, "batch " + n);
        assertEquals(bytes, created(out -> CpuOps.d4j_weight_bytes(weight, out)));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {CpuOps.F32, CpuOps.BF16})
  void batchInvariantImagesHaveTheBitsOfABatchOfOne(int dtype) {
    Case batch = new Case(11).shape(4, 9, 8, 17, 0, 33, 3);
    batch.d.batch_invariant(1).dst_dtype(dtype);
    batch.fill(dtype);
    float[] all = batch.run(2, true);
    int in = batch.src0.length / 4;
    int out = all.length / 4;
    for (int i = 0; i < 4; i++) {
      Case one = new Case(0).shape(1, 9, 8, 17, 0, 33, 3);
      one.d.dst_dtype(dtype);
      one.fill(dtype);
      one.src0 = Arrays.copyOfRange(batch.src0, i * in, (i + 1) * in);
      one.weight = batch.weight;
      one.bias = batch.bias;
      assertArrayEquals(Arrays.copyOfRange(all, i * out, (i + 1) * out), one.run(1, true));
    }
  }
}
