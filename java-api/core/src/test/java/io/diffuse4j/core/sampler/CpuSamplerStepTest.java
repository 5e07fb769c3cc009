package io.diffuse4j.core.sampler;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.sampler.CpuSamplerStep.InstructionSet;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CpuSamplerStepTest {
  /** DESIGN's bound for a single float32 kernel. */
  private static final double F32 = 2e-6;

  private static final int CALLS = 6;

  /** One sample's run on random data: what goes in at each call. */
  @SuppressWarnings("ArrayRecordComponent")
  private record Run(
      CoefficientTable table,
      double[] start,
      List<double[]> conditional,
      List<double[]> unconditional,
      List<double[]> noise,
      float scale,
      float rescale) {}

  private static double[] normals(Random random, int n, DType type) {
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      int bits = Float.floatToRawIntBits((float) random.nextGaussian());
      values[i] = Float.intBitsToFloat(type == DType.BF16 ? bits & 0xffff0000 : bits);
    }
    return values;
  }

  private static Combination combination(Random r, int stored, boolean saved, boolean noise) {
    return new Combination(
        r.nextGaussian(),
        saved ? r.nextGaussian() : 0,
        r.nextGaussian(),
        stored > 0 ? r.nextGaussian() : 0,
        stored > 1 ? r.nextGaussian() : 0,
        stored > 2 ? r.nextGaussian() : 0,
        r.nextBoolean() ? r.nextGaussian() : 0,
        noise ? r.nextGaussian() : 0);
  }

  private static CoefficientTable randomTable(Random r, boolean learned) {
    List<Row> rows = new ArrayList<>();
    int stored = 0;
    boolean saved = false;
    for (int i = 0; i < CALLS; i++) {
      Limit limit =
          switch (r.nextInt(3)) {
            case 0 -> Limit.NONE;
            case 1 -> new Limit.Clip(0.5 + r.nextDouble());
            default -> new Limit.DynamicThreshold(0.5 + r.nextDouble() / 2, 1 + r.nextDouble());
          };
      NoiseScale scale =
          switch (learned ? r.nextInt(3) : 0) {
            case 0 -> NoiseScale.ONE;
            case 1 -> new NoiseScale.LearnedVariance();
            default -> new NoiseScale.LearnedRange(-4 - r.nextDouble(), -1);
          };
      boolean noise = r.nextBoolean();
      boolean save = r.nextBoolean();
      boolean push = r.nextBoolean();
      rows.add(
          new Row(
              0.5 + r.nextDouble(),
              r.nextInt(1000),
              new Conversion(
                  r.nextGaussian(), r.nextGaussian(), limit, r.nextGaussian(), r.nextGaussian()),
              combination(r, stored, saved, noise),
              save ? combination(r, stored, saved, noise) : null,
              push,
              noise,
              scale));
      stored += push ? 1 : 0;
      saved |= save;
    }
    return new CoefficientTable(rows, 1, 1, 1);
  }

  private static Run randomRun(Random r, SamplerShape shape) {
    boolean learned = shape.outputChannels() >= 2 * shape.channels();
    int outputs = shape.outputChannels() * shape.pixels();
    List<double[]> conditional = new ArrayList<>();
    List<double[]> unconditional = new ArrayList<>();
    List<double[]> noise = new ArrayList<>();
    boolean guided = r.nextInt(3) > 0;
    for (int i = 0; i < CALLS; i++) {
      conditional.add(normals(r, outputs, shape.outputType()));
      unconditional.add(guided ? normals(r, outputs, shape.outputType()) : null);
      noise.add(normals(r, shape.elements(), DType.F32));
    }
    return new Run(
        randomTable(r, learned),
        normals(r, shape.elements(), DType.F32),
        conditional,
        unconditional,
        noise,
        (float) (1 + 4 * r.nextDouble()),
        r.nextBoolean() ? r.nextFloat() : 0);
  }

  /** Runs each sample from its own first row, one call behind the sample before it. */
  private static double[][] onDevice(
      SamplerShape shape, List<Run> runs, InstructionSet instructions) {
    double[][] result = new double[runs.size()][];
    try (DeviceBatch batch = new DeviceBatch(shape, instructions)) {
      for (int s = 0; s < runs.size(); s++) {
        Run run = runs.get(s);
        batch.table(s, run.table);
        batch.latents(s, run.start);
        batch.step().guidance(s, run.scale, run.rescale);
      }
      for (int i = 0; i < CALLS; i++) {
        for (int s = 0; s < runs.size(); s++) {
          Run run = runs.get(s);
          batch.step().row(s, i);
          batch.output(s, run.conditional.get(i), run.unconditional.get(i));
          batch.noise(s, run.noise.get(i));
        }
        batch.step().step();
      }
      for (int s = 0; s < runs.size(); s++) {
        result[s] = batch.latents(s);
      }
    }
    return result;
  }

  private static double[] expected(Run run) {
    RowInterpreter interpreter = new RowInterpreter(run.start);
    for (int i = 0; i < CALLS; i++) {
      interpreter.step(
          run.table.rows().get(i),
          run.conditional.get(i),
          run.unconditional.get(i),
          run.scale,
          run.rescale,
          run.noise.get(i));
    }
    return interpreter.latents();
  }

  static double error(double[] actual, double[] expected) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
      norm += expected[i] * expected[i];
    }
    return Math.sqrt(difference / norm);
  }

  private static List<Run> runs(Random random, SamplerShape shape) {
    List<Run> runs = new ArrayList<>();
    for (int s = 0; s < shape.samples(); s++) {
      runs.add(randomRun(random, shape));
    }
    return runs;
  }

  private static SamplerShape shape(
      int samples, int channels, int pixels, int outputs, DType type) {
    return new SamplerShape(samples, channels, pixels, channels + 1, outputs, type, type);
  }

  @Test
  void aStepIsTheDoubleInterpreterOnOddSizesAndEveryKindOfRow() {
    Random random = new Random(11);
    int[][] sizes = {{1, 1}, {3, 1}, {1, 7}, {4, 63}, {3, 257}, {5, 1021}, {4, 4096}, {17, 333}};
    for (int[] size : sizes) {
      for (DType type : new DType[] {DType.F32, DType.BF16}) {
        for (int factor = 1; factor <= 2; factor++) {
          // A single element has no standard deviation to rescale by.
          SamplerShape shape = shape(3, size[0], size[1], factor * size[0], type);
          List<Run> runs = runs(random, shape);
          double[][] actual = onDevice(shape, runs, InstructionSet.BEST);
          for (int s = 0; s < runs.size(); s++) {
            if (shape.elements() > 1 || runs.get(s).rescale == 0) {
              double error = error(actual[s], expected(runs.get(s)));
              // Six calls, each within the bound of one.
              assertTrue(error <= CALLS * F32, shape + " sample " + s + ": " + error);
            }
          }
        }
      }
    }
  }

  @Test
  void theBitsDoNotDependOnTheInstructionSet() {
    Random random = new Random(12);
    SamplerShape shape = shape(2, 3, 1201, 6, DType.F32);
    List<Run> runs = runs(random, shape);
    double[][] base = onDevice(shape, runs, InstructionSet.BASE);
    assertArrayEquals(base, onDevice(shape, runs, InstructionSet.BEST));
    for (InstructionSet set : new InstructionSet[] {InstructionSet.AVX2, InstructionSet.AVX512}) {
      double[][] other;
      try {
        other = onDevice(shape, runs, set);
      } catch (IllegalArgumentException absent) {
        assertTrue(absent.getMessage().contains("this CPU has no"), absent.getMessage());
        continue;
      }
      assertArrayEquals(base, other, set.name());
    }
  }

  @Test
  void theBitsDoNotDependOnTheBatchOrItsOrder() {
    Random random = new Random(13);
    SamplerShape shape = shape(5, 4, 2003, 4, DType.F32);
    List<Run> runs = runs(random, shape);
    double[][] together = onDevice(shape, runs, InstructionSet.BEST);
    List<Run> reversed = new ArrayList<>(runs);
    Collections.reverse(reversed);
    double[][] backwards = onDevice(shape, reversed, InstructionSet.BEST);
    for (int s = 0; s < 5; s++) {
      assertArrayEquals(together[s], backwards[4 - s]);
      SamplerShape alone = shape(1, 4, 2003, 4, DType.F32);
      assertArrayEquals(together[s], onDevice(alone, List.of(runs.get(s)), InstructionSet.BEST)[0]);
    }
  }

  @Test
  void samplesOfOneBatchCanBeAtDifferentRows() {
    Random random = new Random(14);
    SamplerShape shape = SamplerShape.of(2, 2, 50);
    Run run = randomRun(random, shape);
    double[] whole = onDevice(SamplerShape.of(1, 2, 50), List.of(run), InstructionSet.BEST)[0];
    try (DeviceBatch batch = new DeviceBatch(shape, InstructionSet.BEST)) {
      for (int s = 0; s < 2; s++) {
        batch.table(s, run.table);
        batch.latents(s, run.start);
        batch.step().guidance(s, run.scale, run.rescale);
      }
      // Sample 1 starts two calls later; until then, and after its end, sample 0 and 1 stand at
      // rows of their own whose results are set back.
      for (int i = 0; i < CALLS + 2; i++) {
        int[] rows = {Math.min(i, CALLS - 1), Math.max(0, i - 2)};
        double[] done = batch.latents(0);
        for (int s = 0; s < 2; s++) {
          batch.step().row(s, rows[s]);
          batch.output(s, run.conditional.get(rows[s]), run.unconditional.get(rows[s]));
          batch.noise(s, run.noise.get(rows[s]));
        }
        batch.step().step();
        if (i < 2) {
          batch.latents(1, run.start);
        }
        if (i >= CALLS) {
          batch.latents(0, done);
        }
      }
      assertArrayEquals(whole, batch.latents(0));
    }
  }

  @Test
  void prepareScalesConvertsAndTellsTheTimestep() {
    for (DType type : new DType[] {DType.F32, DType.BF16}) {
      Random random = new Random(15);
      SamplerShape shape = shape(2, 3, 700, 3, type);
      try (DeviceBatch batch = new DeviceBatch(shape, InstructionSet.BEST)) {
        List<Run> runs = runs(random, shape);
        for (int s = 0; s < 2; s++) {
          batch.table(s, runs.get(s).table);
          batch.latents(s, runs.get(s).start);
          batch.step().row(s, s);
        }
        batch.step().prepare();
        for (int s = 0; s < 2; s++) {
          Row row = runs.get(s).table.rows().get(s);
          double[] expected = new RowInterpreter(runs.get(s).start).input(row);
          double bound = type == DType.F32 ? F32 : 1.0 / 256;
          for (boolean unconditional : new boolean[] {false, true}) {
            assertTrue(error(batch.input(s, unconditional), expected) <= bound);
            assertEquals(row.timestep(), batch.timestep(s, unconditional));
          }
        }
      }
    }
  }

  @Test
  void uninitialisedStateBehindAZeroCoefficientIsNotRead() {
    SamplerShape shape = SamplerShape.of(1, 1, 9);
    CoefficientTable table =
        new CoefficientTable(
            List.of(Row.of(1, 0, Conversion.OUTPUT, Combination.of(1, 2)).pushing()), 1, 1, 1);
    try (DeviceBatch batch = new DeviceBatch(shape, InstructionSet.BEST)) {
      batch.table(0, table);
      batch.latents(0, new double[] {1, 2, 3, 4, 5, 6, 7, 8, 9});
      double[] output = new double[9];
      Arrays.fill(output, 0.5);
      batch.output(0, output, null);
      batch.step().step();
      assertArrayEquals(new double[] {2, 3, 4, 5, 6, 7, 8, 9, 10}, batch.latents(0));
    }
  }

  @Test
  void notANumberInTheOutputStaysInItsElementAndHarmsNothingElse() {
    SamplerShape shape = SamplerShape.of(1, 1, 1000);
    Conversion thresholded = Conversion.toX0(0, 1, new Limit.DynamicThreshold(0.5, 3));
    CoefficientTable table =
        new CoefficientTable(List.of(Row.of(1, 0, thresholded, Combination.of(0, 1))), 1, 1, 1);
    try (DeviceBatch batch = new DeviceBatch(shape, InstructionSet.BEST)) {
      batch.table(0, table);
      batch.latents(0, new double[1000]);
      double[] output = new double[1000];
      Arrays.fill(output, 0.25);
      for (int i = 0; i < 400; i++) {
        output[i * 2] = Double.NaN;
      }
      batch.output(0, output, null);
      batch.step().step();
      double[] after = batch.latents(0);
      for (int i = 0; i < 1000; i++) {
        assertEquals(output[i], after[i]);
      }
    }
  }

  @Test
  void whatIsMissingIsNamedAndNothingIsWritten() {
    SamplerShape shape = SamplerShape.of(1, 1, 4);
    CoefficientTable table =
        new CoefficientTable(
            List.of(Row.of(1, 0, Conversion.OUTPUT, Combination.of(1, 1)).pushing()), 1, 1, 1);
    try (DeviceBatch batch = new DeviceBatch(shape, InstructionSet.BEST)) {
      batch.table(0, table);
      batch.latents(0, new double[4]);
      assertMessage("no network output", () -> batch.step().step());
      batch.output(0, new double[] {1, 1, 1, 1}, null);
      batch.step().row(0, 1);
      assertMessage("row is outside of the table", () -> batch.step().step());
      batch.step().row(0, 0);
      batch.step().state(0, 0, 0, 0);
      assertMessage("no latents", () -> batch.step().step());
      assertArrayEquals(new double[4], batch.latents(0));
    }
  }

  @Test
  void theAdaptiveErrorIsTheScaledRootMeanSquare() {
    Random random = new Random(16);
    int n = 3 * 1201;
    double[] lower = normals(random, n, DType.F32);
    double[] higher = normals(random, n, DType.F32);
    double[] previous = normals(random, n, DType.F32);
    double sum = 0;
    for (int i = 0; i < n; i++) {
      double scale = Math.max(Math.abs(lower[i]), Math.abs(previous[i]));
      sum += Math.pow((higher[i] - lower[i]) / Math.max(0.1, 0.2 * scale), 2);
    }
    try (CpuSamplerStep step = new CpuSamplerStep(SamplerShape.of(1, 3, 1201));
        OffHeap a = filled(lower);
        OffHeap b = filled(higher);
        OffHeap c = filled(previous)) {
      double error = step.error(a.address(), b.address(), c.address(), 0.1, 0.2);
      assertEquals(Math.sqrt(sum / n), error, 1e-12 * error);
      assertThrows(
          IllegalArgumentException.class,
          () -> step.error(a.address(), b.address(), c.address(), 0, 0));
    }
  }

  private static OffHeap filled(double[] values) {
    OffHeap block = new OffHeap(4 * values.length);
    for (int i = 0; i < values.length; i++) {
      block.buffer().putFloat(4 * i, (float) values[i]);
    }
    return block;
  }

  @Test
  void theNoiseOfAStepIsTheGeneratorsByCallWhateverTheLayout() {
    int channels = 3;
    int pixels = 401;
    Row row = Row.of(1, 0, Conversion.OUTPUT, Combination.ZERO).drawing(1, NoiseScale.ONE);
    CoefficientTable table = new CoefficientTable(List.of(row, row), 1, 1, 1);
    SamplerShape shape = SamplerShape.of(1, channels, pixels);
    try (DeviceBatch batch = new DeviceBatch(shape, InstructionSet.BEST)) {
      batch.table(0, table);
      batch.latents(0, new double[shape.elements()]);
      batch.output(0, new double[shape.elements()], null);
      batch.step().seed(0, 77);
      batch.step().row(0, 1);
      batch.step().step();
      float[] expected = new float[shape.elements()];
      CpuNoise.draw(77, 1, channels, pixels, expected);
      double[] actual = batch.latents(0);
      for (int i = 0; i < expected.length; i++) {
        assertEquals(expected[i], (float) actual[i]);
      }
    }
  }

  @Test
  void aClosedStepRefusesWork() {
    CpuSamplerStep step = new CpuSamplerStep(SamplerShape.of(1, 1, 4));
    step.close();
    step.close();
    assertThrows(IllegalStateException.class, step::step);
    assertThrows(IllegalStateException.class, () -> step.row(0, 0));
  }

  private static void assertMessage(String part, Runnable action) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, action::run);
    assertTrue(e.getMessage().contains(part), e.getMessage());
  }
}
