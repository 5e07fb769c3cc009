package io.diffuse4j.core.cuda;

import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.op.ElementType;
import io.diffuse4j.core.op.Graph;
import io.diffuse4j.core.op.Op;
import io.diffuse4j.core.op.Value;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Runs one op with our kernels and with foreign ones on the same made-up numbers: first whether the
 * results agree, then which takes less time by the device's own clock.
 */
final class KernelComparison {
  /** Runs in a row for one sample: together they take longer than the clock's half microsecond. */
  private static final int REPEATS = 4;

  private final CudaContext context;
  private final CudaModules modules;
  private final CudaStream stream;
  private final CudaMemory memory;
  private final int samples;

  /**
   * On a device.
   *
   * @param samples whose median counts
   */
  KernelComparison(
      CudaContext context, CudaModules modules, CudaStream stream, CudaMemory memory, int samples) {
    this.context = context;
    this.modules = modules;
    this.stream = stream;
    this.memory = memory;
    this.samples = samples;
  }

  /**
   * Compares.
   *
   * @param kernel closed afterwards
   * @throws IllegalStateException if the results do not agree
   */
  KernelChoice compare(
      String key,
      IsolatedOp alone,
      DType multiplied,
      CudaWeights weights,
      ForeignKernels library,
      ForeignKernel kernel) {
    long workspace = kernel.workspaceBytes();
    ForeignOps foreign = new ForeignOps(library.version(), Map.of(alone.op(), kernel), weights);
    try (foreign;
        CudaPlan ours = plan(alone.graph(), weights, ForeignOps.none())) {
      try (CudaPlan theirs = plan(alone.graph(), weights, foreign)) {
        checkResults(alone, multiplied, ours, theirs);
        double[] oursTimes = new double[samples];
        double[] theirTimes = new double[samples];
        CudaTimer timer = new CudaTimer(context, stream);
        for (int i = 0; i < samples; i++) {
          oursTimes[i] = timer.graph(ours, samples == 1 ? 1 : REPEATS);
          theirTimes[i] = timer.graph(theirs, samples == 1 ? 1 : REPEATS);
        }
        return new KernelChoice(key, median(oursTimes), median(theirTimes), workspace);
      }
    }
  }

  private CudaPlan plan(Graph graph, CudaWeights weights, ForeignOps foreign) {
    return new CudaPlan(context, modules, memory, graph, weights, false, foreign);
  }

  private static double median(double[] samples) {
    Arrays.sort(samples);
    return samples[samples.length / 2];
  }

  private void checkResults(IsolatedOp alone, DType multiplied, CudaPlan ours, CudaPlan theirs) {
    float[] expected = result(alone, ours);
    float[] actual = result(alone, theirs);
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow(actual[i] - (double) expected[i], 2);
      norm += Math.pow(expected[i], 2);
    }
    double error = Math.sqrt(difference / Math.max(norm, Double.MIN_NORMAL));
    // Not "greater than": a NaN is an error, too.
    if (!(error <= tolerance(multiplied))) {
      throw new IllegalStateException("its result differs from ours by " + error + " of its norm");
    }
  }

  /** What whole networks may differ from the reference: one op is well within. */
  private static double tolerance(DType multiplied) {
    return switch (multiplied) {
      case F32 -> 1e-5;
      case TF32 -> 2e-3;
      case F16 -> 5e-3;
      case BF16 -> 3e-2;
    };
  }

  private float[] result(IsolatedOp alone, CudaPlan plan) {
    Random random = new Random(1);
    alone.graph().inputs().entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .forEach(input -> fill(plan, input.getValue(), random));
    stream.launch(plan.graph());
    return floats(alone.graph().output("out"), plan);
  }

  /** Numbers of either sign and a size from 0.5 to 1, whose bits need no conversion. */
  private static void fill(CudaPlan plan, Value value, Random random) {
    CudaBuffer arena = (CudaBuffer) plan.arena();
    long offset = plan.offset(value);
    if (value.type() == ElementType.F32) {
      int[] bits = new int[Math.toIntExact(value.elements())];
      for (int i = 0; i < bits.length; i++) {
        bits[i] = (random.nextInt() & 0x807f_ffff) | 0x3f00_0000;
      }
      arena.upload(offset, bits, 0, bits.length);
    } else {
      int kept = value.type() == ElementType.F16 ? 0x83ff : 0x807f;
      int exponent = value.type() == ElementType.F16 ? 0x3800 : 0x3f00;
      short[] bits = new short[Math.toIntExact(value.elements())];
      for (int i = 0; i < bits.length; i++) {
        bits[i] = (short) ((random.nextInt() & kept) | exponent);
      }
      arena.upload(offset, bits, 0, bits.length);
    }
  }

  /** A value in f32, by a copy that our kernels convert. */
  private float[] floats(Value value, CudaPlan plan) {
    Value from =
        new Value(0, value.n(), value.h(), value.w(), value.c(), 0, value.c(), value.type());
    Value to =
        new Value(1, value.n(), value.h(), value.w(), value.c(), 0, value.c(), ElementType.F32);
    Graph conversion =
        new Graph(
            List.of(new Op.Map(Op.Map.Function.COPY, from, null, to)),
            List.of(from, to),
            Map.of("from", from),
            Map.of("to", to));
    CudaWeights none = new CudaWeights(conversion, DType.F32);
    try (CudaPlan converted = plan(conversion, none, ForeignOps.none())) {
      stream.copy(plan.address(value), converted.address(from), from.bytes());
      stream.launch(converted.graph());
      float[] result = new float[Math.toIntExact(to.elements())];
      converted.arena().download(converted.offset(to), result, 0, result.length);
      return result;
    }
  }
}
