package io.diffuse4j.core.sampler;

import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.op.NativeStatus;
import io.diffuse4j.natives.CpuSampler;

/** {@link SamplerStep} on the CPU: {@code d4j_sampler.h}. */
public final class CpuSamplerStep extends SamplerStep {
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

  private final OffHeap scratch;

  public CpuSamplerStep(SamplerShape shape) {
    this(shape, InstructionSet.BEST);
  }

  /** With one variant in particular, for tests that compare them. */
  CpuSamplerStep(SamplerShape shape, InstructionSet instructions) {
    super(arguments(shape, instructions));
    long bytes = CpuSampler.d4j_sampler_scratch_bytes(arguments().shapeAddress());
    if (bytes < 0 || bytes > Integer.MAX_VALUE - 64) {
      arguments().close();
      throw new IllegalArgumentException("a batch of " + shape + " is too large for one step");
    }
    scratch = new OffHeap((int) bytes);
  }

  private static SampleArguments arguments(SamplerShape shape, InstructionSet instructions) {
    if (shape.inputType() == DType.F16 || shape.outputType() == DType.F16) {
      throw new IllegalArgumentException("f16 does not exist on the cpu; use f32 or bf16");
    }
    return new SampleArguments(shape, instructions.code);
  }

  @Override
  public void initial(float scale) {
    SamplerShape shape = shape();
    for (int i = 0; i < shape.samples(); i++) {
      CpuNoise.writeInitial(
          arguments().seed(i), shape.channels(), shape.pixels(), scale, arguments().latents(i));
    }
  }

  /**
   * Moves every sample on to its next row.
   *
   * @return whether all of them have one
   */
  public boolean advance() {
    boolean more = true;
    for (int i = 0; i < shape().samples(); i++) {
      int row = arguments().row(i) + 1;
      arguments().row(i, row);
      more &= row < arguments().rows(i);
    }
    return more;
  }

  /** Writes every sample's network input and timestep. */
  public void prepare() {
    arguments().requireOpen();
    NativeStatus.check(
        "d4j_sampler_prepare",
        CpuSampler.d4j_sampler_prepare(arguments().shapeAddress(), arguments().samplesAddress()));
  }

  /** Carries out every sample's row on what the network gave. */
  public void step() {
    arguments().requireOpen();
    NativeStatus.check(
        "d4j_sampler_step",
        CpuSampler.d4j_sampler_step(
            arguments().shapeAddress(), arguments().samplesAddress(), scratch.address()));
  }

  @Override
  public double error(long lower, long higher, long previous, double atol, double rtol) {
    arguments().requireOpen();
    NativeStatus.check(
        "d4j_sampler_error",
        CpuSampler.d4j_sampler_error(
            lower, higher, previous, shape().elements(), atol, rtol, arguments().errorAddress()));
    return arguments().error();
  }

  @Override
  public void close() {
    arguments().close();
    scratch.close();
  }
}
