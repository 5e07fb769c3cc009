package io.diffuse4j.core.sampler;

/**
 * What the sampler does with one network call. All numbers are for the sample as the scheduler
 * defines it; computed on the host in double, carried out on the device in float32.
 *
 * @param inputScale what the latents are multiplied by before the network sees them
 * @param timestep what the network is told, in the units it was trained with
 * @param conversion from output to m
 * @param update the next latents
 * @param save the next saved sample, or null to keep it
 * @param push whether m is stored, to be m1 of the next row
 * @param drawsNoise whether this row takes a draw from the noise source, used or not
 * @param noiseScale what the drawn noise is scaled by
 */
public record Row(
    double inputScale,
    double timestep,
    Conversion conversion,
    Combination update,
    Combination save,
    boolean push,
    boolean drawsNoise,
    NoiseScale noiseScale) {

  public Row {
    if (!drawsNoise && (update.noise() != 0 || (save != null && save.noise() != 0))) {
      throw new IllegalArgumentException("a row with a weight on noise must draw it");
    }
  }

  /** A row that saves nothing, stores nothing and draws nothing. */
  public static Row of(
      double inputScale, double timestep, Conversion conversion, Combination update) {
    return new Row(inputScale, timestep, conversion, update, null, false, false, NoiseScale.ONE);
  }

  /**
   * A row that leaves the latents as they are: for a sample that is finished while others go on.
   */
  public static Row idle(double timestep) {
    return of(1, timestep, Conversion.OUTPUT, Combination.of(1, 0));
  }

  public Row withSave(Combination value) {
    return new Row(inputScale, timestep, conversion, update, value, push, drawsNoise, noiseScale);
  }

  public Row pushing() {
    return new Row(inputScale, timestep, conversion, update, save, true, drawsNoise, noiseScale);
  }

  /** Draws noise and adds it with this weight. */
  public Row drawing(double weight, NoiseScale scale) {
    return new Row(
        inputScale, timestep, conversion, update.withNoise(weight), save, push, true, scale);
  }
}
