package io.diffuse4j.natives;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.ToIntFunction;

/**
 * Runs single ops of the cpu device on poisoned memory: every buffer is filled with NaN before it
 * is used, and followed by a canary that must survive.
 */
final class CpuOpFixture implements AutoCloseable {
  /** Stands for the scratch in an address list. */
  static final long SCRATCH = -1;

  private static final byte POISON = (byte) 0xff;
  private static final int CANARY_BYTES = 64;

  private final long engine;
  private final List<Long> plans = new ArrayList<>();
  private final List<Long> ops = new ArrayList<>();
  private final List<Long> weights = new ArrayList<>();
  private final List<long[]> blocks = new ArrayList<>();

  CpuOpFixture(int threads) {
    engine = created(out -> CpuOps.d4j_engine_create(threads, out));
  }

  static void check(int status) {
    if (status != 0) {
      throw new IllegalStateException(status + ": " + NativeLibrary.d4j_last_error());
    }
  }

  static long created(ToIntFunction<long[]> create) {
    long[] out = new long[1];
    check(create.applyAsInt(out));
    return out[0];
  }

  long engine() {
    return engine;
  }

  // ---- memory

  long poisoned(long count, int dtype) {
    return block(count * bytes(dtype));
  }

  private long block(long bytes) {
    long address = created(out -> CpuOps.d4j_memory_alloc(bytes + CANARY_BYTES, out));
    blocks.add(new long[] {address, bytes});
    byte[] poison = new byte[Math.toIntExact(bytes + CANARY_BYTES)];
    Arrays.fill(poison, POISON);
    new HostMemory(address, poison.length).put(poison, 0, poison.length);
    return address;
  }

  long upload(float[] values, int dtype) {
    long address = poisoned(values.length, dtype);
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * bytes(dtype)).order(ByteOrder.nativeOrder());
    for (float value : values) {
      if (dtype == CpuOps.F32) {
        bytes.putFloat(value);
      } else {
        bytes.putShort((short) (Float.floatToRawIntBits(rounded(value, dtype)) >>> 16));
      }
    }
    new HostMemory(address, bytes.capacity()).put(bytes.array(), 0, bytes.capacity());
    return address;
  }

  long upload(int[] values) {
    long address = block(values.length * 4L);
    ByteBuffer bytes = ByteBuffer.allocate(values.length * 4).order(ByteOrder.nativeOrder());
    bytes.asIntBuffer().put(values);
    new HostMemory(address, bytes.capacity()).put(bytes.array(), 0, bytes.capacity());
    return address;
  }

  float[] download(long address, int count, int dtype) {
    byte[] raw = new byte[count * bytes(dtype)];
    new HostMemory(address, raw.length).get(raw, 0, raw.length);
    ByteBuffer bytes = ByteBuffer.wrap(raw).order(ByteOrder.nativeOrder());
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] =
          dtype == CpuOps.F32 ? bytes.getFloat() : Float.intBitsToFloat(bytes.getShort() << 16);
    }
    return values;
  }

  // ---- weights and ops

  long weight(int kind, float[] values, int dtype, long... dims) {
    long source = upload(values, CpuOps.F32);
    long weight =
        created(
            out ->
                CpuOps.d4j_weight_create(
                    engine,
                    kind,
                    new long[] {source},
                    new long[] {dims[0]},
                    1,
                    CpuOps.F32,
                    dims,
                    dims.length,
                    dtype,
                    out));
    return own(weight);
  }

  /** A weight that the fixture destroys. */
  long own(long weight) {
    weights.add(weight);
    return weight;
  }

  long vector(float[] values) {
    return weight(CpuOps.WEIGHT_VECTOR, values, CpuOps.F32, values.length);
  }

  /** Binds the op with its scratch where {@link #SCRATCH} stands, and runs it as a plan. */
  String run(long op, long... addresses) {
    ops.add(op);
    long scratch = created(out -> CpuOps.d4j_op_scratch_bytes(op, out));
    long[] bound = addresses.clone();
    for (int i = 0; i < bound.length; i++) {
      if (bound[i] == SCRATCH) {
        bound[i] = scratch == 0 ? 0 : block(scratch);
      }
    }
    check(CpuOps.d4j_op_bind(op, bound, bound.length));
    long plan = created(out -> CpuOps.d4j_plan_create(engine, new long[] {op}, 1, out));
    plans.add(plan);
    check(CpuOps.d4j_plan_run(plan));
    return CpuOps.d4j_op_implementation(op);
  }

  @Override
  public void close() {
    for (long[] block : blocks) {
      byte[] canary = new byte[CANARY_BYTES];
      new HostMemory(block[0] + block[1], CANARY_BYTES).get(canary, 0, CANARY_BYTES);
      byte[] intact = new byte[CANARY_BYTES];
      Arrays.fill(intact, POISON);
      assertTrue(Arrays.equals(intact, canary), "an op wrote past the end of its buffer");
    }
    plans.forEach(plan -> check(CpuOps.d4j_plan_destroy(plan)));
    ops.forEach(op -> check(CpuOps.d4j_op_destroy(op)));
    weights.forEach(weight -> check(CpuOps.d4j_weight_destroy(weight)));
    blocks.forEach(block -> check(CpuOps.d4j_memory_free(block[0])));
    check(CpuOps.d4j_engine_destroy(engine));
    assertEquals(0, CpuOps.d4j_live_objects(), "live objects");
    assertEquals(0, CpuOps.d4j_memory_in_use(), "bytes in use");
  }

  // ---- numbers

  static int bytes(int dtype) {
    return dtype == CpuOps.F32 ? 4 : 2;
  }

  /** The tolerance of a single kernel: 2e-6 in f32, 1e-2 in bf16. */
  static double tolerance(int dtype) {
    return dtype == CpuOps.F32 ? 2e-6 : 1e-2;
  }

  /** To the nearest bf16, ties to even; f32 as it is. */
  static float rounded(float value, int dtype) {
    if (dtype == CpuOps.F32) {
      return value;
    }
    int bits = Float.floatToRawIntBits(value);
    return Float.intBitsToFloat((bits + 0x7fff + (bits >>> 16 & 1)) & 0xffff0000);
  }

  /** Gaussian values that are exact in the dtype. */
  static float[] gaussian(Random random, int count, int dtype) {
    return gaussian(random, count, dtype, 0, 1);
  }

  static float[] gaussian(Random random, int count, int dtype, double mean, double deviation) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = rounded((float) (mean + deviation * random.nextGaussian()), dtype);
    }
    return values;
  }

  static void assertClose(double[] expected, float[] actual, int dtype, String what) {
    assertEquals(expected.length, actual.length, what);
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      double d = actual[i] - expected[i];
      difference += d * d;
      norm += expected[i] * expected[i];
    }
    double error = Math.sqrt(difference / Math.max(norm, Double.MIN_NORMAL));
    assertTrue(error <= tolerance(dtype), what + ": error " + error);
  }

  static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  /** The error function to 1e-15: its series near 0, the continued fraction of erfc beyond. */
  static double erf(double x) {
    double z = Math.abs(x);
    if (z < 3) {
      double term = z;
      double sum = z;
      for (int n = 1; Math.abs(term) > 1e-18; n++) {
        term *= -z * z / n;
        sum += term / (2 * n + 1);
      }
      return Math.signum(x) * sum * 2 / Math.sqrt(Math.PI);
    }
    double fraction = 0;
    for (int n = 60; n > 0; n--) {
      fraction = n / 2.0 / (z + fraction);
    }
    return Math.signum(x) * (1 - Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction));
  }

  static double activation(int kind, double x) {
    return switch (kind) {
      case CpuOps.ACTIVATION_SILU -> x * sigmoid(x);
      case CpuOps.ACTIVATION_GELU_ERF -> 0.5 * x * (1 + erf(x / Math.sqrt(2)));
      case CpuOps.ACTIVATION_GELU_TANH ->
          0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
      case CpuOps.ACTIVATION_QUICK_GELU -> x * sigmoid(1.702 * x);
      default -> x;
    };
  }
}
