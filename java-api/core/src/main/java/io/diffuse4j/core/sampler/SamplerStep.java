package io.diffuse4j.core.sampler;

/**
 * The samples of a sampler's batch on one device: where their state, inputs and outputs lie, and
 * which rows they run. Addresses are the device's; nothing is allocated after construction. Each
 * sample has its own table, row, guidance and noise: requests at different steps can share a batch.
 * What is set here is what the next {@link io.diffuse4j.core.op.SamplingLoop#start} runs with. Not
 * for several threads at once.
 *
 * <p>Layouts are those of {@code d4j_sampler.h}: all tensors NHWC, given noise NCHW.
 */
public abstract class SamplerStep implements AutoCloseable {
  private final SampleArguments arguments;

  /**
   * Samples of these arguments.
   *
   * @param arguments closed by the subclass
   */
  protected SamplerStep(SampleArguments arguments) {
    this.arguments = arguments;
  }

  /** What native code and kernels read. */
  protected final SampleArguments arguments() {
    return arguments;
  }

  public final SamplerShape shape() {
    return arguments.shape();
  }

  /**
   * The rows that {@code sample} runs.
   *
   * @param address where they lie on the device, as {@link CoefficientTable#pack} gives them
   */
  public final void table(int sample, long address, CoefficientTable rows) {
    arguments.table(sample, address, rows);
  }

  /** Which row is first. */
  public final void row(int sample, int row) {
    arguments.row(sample, row);
  }

  /**
   * The sampler's float32 state: latents, the saved sample (one such) and the history (three). A
   * table that saves or stores nothing may have 0 for the latter two.
   */
  public final void state(int sample, long latents, long saved, long history) {
    arguments.state(sample, latents, saved, history);
  }

  /** Where the network reads {@code sample} and its float32 timestep. */
  public final void input(int sample, long input, long timestep) {
    arguments.input(sample, input, timestep);
  }

  /** The same for the unconditional half; 0 and 0 for none. */
  public final void unconditionalInput(int sample, long input, long timestep) {
    arguments.unconditionalInput(sample, input, timestep);
  }

  /** What the network gave, and its unconditional half, 0 for none. */
  public final void output(int sample, long conditional, long unconditional) {
    arguments.output(sample, conditional, unconditional);
  }

  /**
   * Guidance {@code u + scale (c - u)}, its standard deviation drawn towards that of c by {@code
   * rescale} in [0, 1] (arXiv 2305.08891, section 3.4). Without an unconditional half, neither has
   * an effect.
   */
  public final void guidance(int sample, float scale, float rescale) {
    arguments.guidance(sample, scale, rescale);
  }

  /** Noise is generated from this seed. */
  public final void seed(int sample, long seed) {
    arguments.seed(sample, seed);
  }

  /**
   * Noise is read here, NCHW: that of row r at {@code noise + 4 r stride}. 0 for generated noise.
   *
   * @param stride elements from the noise of one row to that of the next
   */
  public final void noise(int sample, long noise, long stride) {
    arguments.noise(sample, noise, stride);
  }

  /** Makes the latents of every sample {@code scale} times its generated initial noise. */
  public abstract void initial(float scale);

  /**
   * The error of one sample's adaptive step: the root mean square over its elements of {@code
   * (higher - lower) / max(atol, rtol max(|lower|, |previous|))}. The one number that is ever read
   * back from the device between the first and the last step.
   */
  public abstract double error(long lower, long higher, long previous, double atol, double rtol);

  @Override
  public abstract void close();
}
