package io.diffuse4j.core.sampler;

import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.op.NativeStatus;
import io.diffuse4j.natives.CpuSampler;
import java.nio.ByteBuffer;
import java.util.Objects;

/** {@link SamplerStep} on the CPU: {@code d4j_sampler.h}. */
public final class CpuSamplerStep implements SamplerStep {
  /** Which compiled variant runs; the bits do not depend on it. */
  public enum InstructionSet {
    BEST(0),
    BASE(1),
    AVX2(2),
    AVX512(3);

    private final int code;

    InstructionSet(int code) {
      this.code = code;
    }
  }

  private static final int SAMPLE_BYTES = 128;

  /** The adaptive step's error lies after the shape; samples start on the next cache line. */
  private static final int ERROR = 32;

  private static final int FIRST_SAMPLE = 64;

  // Offsets in d4j_sampler_sample.
  private static final int TABLE = 0;
  private static final int SEED = 8;
  private static final int LATENTS = 16;
  private static final int SAVED = 24;
  private static final int HISTORY = 32;
  private static final int CONDITIONAL = 40;
  private static final int UNCONDITIONAL = 48;
  private static final int NOISE = 56;
  private static final int INPUT = 64;
  private static final int UNCONDITIONAL_INPUT = 72;
  private static final int TIMESTEP = 80;
  private static final int UNCONDITIONAL_TIMESTEP = 88;
  private static final int ROW = 96;
  private static final int ROWS = 100;
  private static final int GUIDANCE_SCALE = 104;
  private static final int GUIDANCE_RESCALE = 108;

  private final SamplerShape shape;
  private final OffHeap arguments;
  private final OffHeap scratch;
  private final ByteBuffer samples;
  private boolean closed;

  public CpuSamplerStep(SamplerShape shape) {
    this(shape, InstructionSet.BEST);
  }

  /** With one variant in particular, for tests that compare them. */
  CpuSamplerStep(SamplerShape shape, InstructionSet instructions) {
    this.shape = shape;
    arguments = new OffHeap(FIRST_SAMPLE + shape.samples() * SAMPLE_BYTES);
    ByteBuffer buffer = arguments.buffer();
    int[] fields = {
      shape.samples(),
      shape.channels(),
      shape.pixels(),
      shape.inputChannels(),
      shape.outputChannels(),
      typeOf(shape.inputType()),
      typeOf(shape.outputType()),
      instructions.code
    };
    for (int field : fields) {
      buffer.putInt(field);
    }
    samples = buffer.position(FIRST_SAMPLE).slice().order(buffer.order());
    long bytes = CpuSampler.d4j_sampler_scratch_bytes(arguments.address());
    if (bytes < 0 || bytes > Integer.MAX_VALUE - 64) {
      arguments.close();
      throw new IllegalArgumentException("a batch of " + shape + " is too large for one step");
    }
    scratch = new OffHeap((int) bytes);
    for (int i = 0; i < shape.samples(); i++) {
      guidance(i, 1, 0);
    }
  }

  private static int typeOf(DType type) {
    return switch (type) {
      case F32, TF32 -> 0;
      case BF16 -> 1;
      case F16 ->
          throw new IllegalArgumentException("f16 does not exist on the cpu; use f32 or bf16");
    };
  }

  private int at(int sample, int field) {
    requireOpen();
    return Objects.checkIndex(sample, shape.samples()) * SAMPLE_BYTES + field;
  }

  @Override
  public SamplerShape shape() {
    return shape;
  }

  @Override
  public void table(int sample, long rows, int count) {
    samples.putLong(at(sample, TABLE), rows);
    samples.putInt(at(sample, ROWS), count);
  }

  @Override
  public void row(int sample, int row) {
    samples.putInt(at(sample, ROW), row);
  }

  @Override
  public void state(int sample, long latents, long saved, long history) {
    samples.putLong(at(sample, LATENTS), latents);
    samples.putLong(at(sample, SAVED), saved);
    samples.putLong(at(sample, HISTORY), history);
  }

  @Override
  public void input(int sample, long input, long timestep) {
    samples.putLong(at(sample, INPUT), input);
    samples.putLong(at(sample, TIMESTEP), timestep);
  }

  @Override
  public void unconditionalInput(int sample, long input, long timestep) {
    samples.putLong(at(sample, UNCONDITIONAL_INPUT), input);
    samples.putLong(at(sample, UNCONDITIONAL_TIMESTEP), timestep);
  }

  @Override
  public void output(int sample, long conditional, long unconditional) {
    samples.putLong(at(sample, CONDITIONAL), conditional);
    samples.putLong(at(sample, UNCONDITIONAL), unconditional);
  }

  @Override
  public void guidance(int sample, float scale, float rescale) {
    if (!Float.isFinite(scale)) {
      throw new IllegalArgumentException("guidance scale must be finite, is " + scale);
    }
    if (!(rescale >= 0 && rescale <= 1)) {
      throw new IllegalArgumentException("guidance rescale must be in [0, 1], is " + rescale);
    }
    samples.putFloat(at(sample, GUIDANCE_SCALE), scale);
    samples.putFloat(at(sample, GUIDANCE_RESCALE), rescale);
  }

  @Override
  public void seed(int sample, long seed) {
    samples.putLong(at(sample, SEED), seed);
  }

  @Override
  public void noise(int sample, long noise) {
    samples.putLong(at(sample, NOISE), noise);
  }

  @Override
  public void prepare() {
    requireOpen();
    NativeStatus.check(
        "d4j_sampler_prepare",
        CpuSampler.d4j_sampler_prepare(arguments.address(), arguments.address() + FIRST_SAMPLE));
  }

  @Override
  public void step() {
    requireOpen();
    NativeStatus.check(
        "d4j_sampler_step",
        CpuSampler.d4j_sampler_step(
            arguments.address(), arguments.address() + FIRST_SAMPLE, scratch.address()));
  }

  @Override
  public double error(long lower, long higher, long previous, double atol, double rtol) {
    requireOpen();
    NativeStatus.check(
        "d4j_sampler_error",
        CpuSampler.d4j_sampler_error(
            lower, higher, previous, shape.elements(), atol, rtol, arguments.address() + ERROR));
    return arguments.buffer().getDouble(ERROR);
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the sampler step is closed");
    }
  }

  @Override
  public void close() {
    closed = true;
    arguments.close();
    scratch.close();
  }
}
