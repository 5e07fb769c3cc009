package io.diffuse4j.core.sampler;

import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.op.MemoryView;
import java.nio.ByteBuffer;
import java.util.Objects;
import org.bytedeco.javacpp.Pointer;

/**
 * {@code d4j_sampler_shape} and the {@code d4j_sampler_sample} of each sample, in host memory, as
 * native code and kernels read them.
 */
public final class SampleArguments implements AutoCloseable {
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
  private static final int NOISE_STRIDE = 112;

  private final SamplerShape shape;
  private final OffHeap memory;
  private final ByteBuffer samples;
  private final boolean[] thresholds;
  private boolean closed;

  /** Nothing set but a guidance scale of 1. */
  public SampleArguments(SamplerShape shape) {
    this(shape, 0);
  }

  /** With the number of an instruction set of the cpu. */
  SampleArguments(SamplerShape shape, int instructionSet) {
    this.shape = shape;
    thresholds = new boolean[shape.samples()];
    memory = new OffHeap(FIRST_SAMPLE + shape.samples() * SAMPLE_BYTES);
    ByteBuffer buffer = memory.buffer();
    int[] fields = {
      shape.samples(),
      shape.channels(),
      shape.pixels(),
      shape.inputChannels(),
      shape.outputChannels(),
      typeOf(shape.inputType()),
      typeOf(shape.outputType()),
      instructionSet
    };
    for (int field : fields) {
      buffer.putInt(field);
    }
    samples = buffer.position(FIRST_SAMPLE).slice().order(buffer.order());
    for (int i = 0; i < shape.samples(); i++) {
      guidance(i, 1, 0);
    }
  }

  private static int typeOf(DType type) {
    return switch (type) {
      case F32, TF32 -> 0;
      case BF16 -> 1;
      case F16 -> 2;
    };
  }

  private int at(int sample, int field) {
    requireOpen();
    return Objects.checkIndex(sample, shape.samples()) * SAMPLE_BYTES + field;
  }

  public SamplerShape shape() {
    return shape;
  }

  /** Host address of the shape. */
  public long shapeAddress() {
    return memory.address();
  }

  /** The samples, one after the other. */
  public Pointer samples() {
    return new MemoryView(samplesAddress());
  }

  long samplesAddress() {
    return memory.address() + FIRST_SAMPLE;
  }

  public int samplesBytes() {
    return shape.samples() * SAMPLE_BYTES;
  }

  /** Where an adaptive step's error is written. */
  long errorAddress() {
    return memory.address() + ERROR;
  }

  double error() {
    return memory.buffer().getDouble(ERROR);
  }

  void table(int sample, long address, CoefficientTable rows) {
    samples.putLong(at(sample, TABLE), address);
    samples.putInt(at(sample, ROWS), rows.calls());
    thresholds[sample] = rows.thresholds();
  }

  void row(int sample, int row) {
    samples.putInt(at(sample, ROW), row);
  }

  int row(int sample) {
    return samples.getInt(at(sample, ROW));
  }

  int rows(int sample) {
    return samples.getInt(at(sample, ROWS));
  }

  void state(int sample, long latents, long saved, long history) {
    samples.putLong(at(sample, LATENTS), latents);
    samples.putLong(at(sample, SAVED), saved);
    samples.putLong(at(sample, HISTORY), history);
  }

  long latents(int sample) {
    return samples.getLong(at(sample, LATENTS));
  }

  void input(int sample, long input, long timestep) {
    samples.putLong(at(sample, INPUT), input);
    samples.putLong(at(sample, TIMESTEP), timestep);
  }

  void unconditionalInput(int sample, long input, long timestep) {
    samples.putLong(at(sample, UNCONDITIONAL_INPUT), input);
    samples.putLong(at(sample, UNCONDITIONAL_TIMESTEP), timestep);
  }

  void output(int sample, long conditional, long unconditional) {
    samples.putLong(at(sample, CONDITIONAL), conditional);
    samples.putLong(at(sample, UNCONDITIONAL), unconditional);
  }

  void guidance(int sample, float scale, float rescale) {
    if (!Float.isFinite(scale)) {
      throw new IllegalArgumentException("guidance scale must be finite, is " + scale);
    }
    if (!(rescale >= 0 && rescale <= 1)) {
      throw new IllegalArgumentException("guidance rescale must be in [0, 1], is " + rescale);
    }
    samples.putFloat(at(sample, GUIDANCE_SCALE), scale);
    samples.putFloat(at(sample, GUIDANCE_RESCALE), rescale);
  }

  /** Whether a row of some sample asks for dynamic thresholding or guidance rescale. */
  public boolean needsStatistics() {
    for (int i = 0; i < thresholds.length; i++) {
      boolean rescales =
          samples.getFloat(at(i, GUIDANCE_RESCALE)) > 0
              && samples.getLong(at(i, UNCONDITIONAL)) != 0;
      if (thresholds[i] || rescales) {
        return true;
      }
    }
    return false;
  }

  void seed(int sample, long seed) {
    samples.putLong(at(sample, SEED), seed);
  }

  long seed(int sample) {
    return samples.getLong(at(sample, SEED));
  }

  public void noise(int sample, long noise, long stride) {
    samples.putLong(at(sample, NOISE), noise);
    samples.putLong(at(sample, NOISE_STRIDE), stride);
  }

  void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the sampler step is closed");
    }
  }

  @Override
  public void close() {
    closed = true;
    memory.close();
  }
}
