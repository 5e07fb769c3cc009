package io.diffuse4j.core.sampler;

import java.util.Arrays;
import java.util.List;

/**
 * A whole sampling run as data: one {@link Row} a network call, and where the run starts. Built
 * once on the host by a scheduler; the device loop only reads rows. Immutable.
 *
 * <p>From pure noise z of unit variance the latents start as {@code initNoiseSigma * z}; from an
 * image as {@code startImage * image + startNoise * z}.
 */
public final class CoefficientTable {
  /** The size of a packed row in bytes: {@code d4j_sampler_row}. */
  public static final int ROW_BYTES = 128;

  private static final int ROW_WORDS = ROW_BYTES / Integer.BYTES;
  private static final int HISTORY = 3;

  private static final int FLAG_NOISE = 1;
  private static final int FLAG_CLIP = 2;
  private static final int FLAG_THRESHOLD = 4;
  private static final int FLAG_VARIANCE = 8;
  private static final int FLAG_VARIANCE_RANGE = 16;
  private static final int FLAG_SAVE = 32;

  private final List<Row> rows;
  private final double initNoiseSigma;
  private final double startImage;
  private final double startNoise;

  /**
   * A table of these rows.
   *
   * @param rows one a network call, in order
   * @param initNoiseSigma the weight of the initial noise in a run from pure noise
   * @param startImage the weight of an image that the run starts from
   * @param startNoise the weight of the noise on that image
   * @throws IllegalArgumentException if there is no row, a number is not finite, or a row reads a
   *     stored conversion before it is there
   */
  public CoefficientTable(
      List<Row> rows, double initNoiseSigma, double startImage, double startNoise) {
    this.rows = List.copyOf(rows);
    this.initNoiseSigma = initNoiseSigma;
    this.startImage = startImage;
    this.startNoise = startNoise;
    if (rows.isEmpty()) {
      throw new IllegalArgumentException("a table needs at least one row");
    }
    requireFinite(-1, initNoiseSigma, startImage, startNoise);
    boolean saved = false;
    int stored = 0;
    for (int i = 0; i < rows.size(); i++) {
      Row row = rows.get(i);
      requireFinite(i, row.inputScale(), row.timestep());
      Conversion c = row.conversion();
      requireFinite(i, c.x0FromX(), c.x0FromOutput(), c.mFromX(), c.mFromX0());
      requireReadable(i, row.update(), stored, saved);
      if (row.save() != null) {
        requireReadable(i, row.save(), stored, saved);
        saved = true;
      }
      stored += row.push() ? 1 : 0;
    }
  }

  private static void requireReadable(int i, Combination c, int stored, boolean saved) {
    requireFinite(i, c.terms());
    if (c.depth() > stored || (c.saved() != 0 && !saved)) {
      throw new IllegalArgumentException("row " + i + " reads what no earlier row has stored");
    }
  }

  private static void requireFinite(int row, double... numbers) {
    for (double number : numbers) {
      // As the device holds it: a double that overflows float32 is as bad as an infinity.
      if (!Float.isFinite((float) number)) {
        throw new IllegalArgumentException(
            (row < 0 ? "the start" : "row " + row) + " has a coefficient of " + number);
      }
    }
  }

  public List<Row> rows() {
    return rows;
  }

  /** The number of network calls. */
  public int calls() {
    return rows.size();
  }

  /** The weight of the initial noise in a run from pure noise. */
  public double initNoiseSigma() {
    return initNoiseSigma;
  }

  /** The weight of an image that the run starts from. */
  public double startImage() {
    return startImage;
  }

  /** The weight of the noise on that image. */
  public double startNoise() {
    return startNoise;
  }

  /** What the network is told, by call. */
  public double[] timesteps() {
    return rows.stream().mapToDouble(Row::timestep).toArray();
  }

  /** Whether call {@code i} takes a draw from the noise source. */
  public boolean drawsNoise(int i) {
    return rows.get(i).drawsNoise();
  }

  /** Whether any call needs the quantile of dynamic thresholding. */
  public boolean thresholds() {
    return rows.stream().anyMatch(r -> r.conversion().limit() instanceof Limit.DynamicThreshold);
  }

  /**
   * The rows as the device reads them, {@link #ROW_BYTES} each: {@code d4j_sampler_row} of {@code
   * d4j_sampler.h}, floats as their bits. Where stored conversions lie is settled here: three slots
   * in turn, so that the device moves none.
   */
  public int[] pack() {
    int[] words = new int[rows.size() * ROW_WORDS];
    int stored = 0;
    for (int i = 0; i < rows.size(); i++) {
      pack(rows.get(i), i, stored, words, i * ROW_WORDS);
      stored += rows.get(i).push() ? 1 : 0;
    }
    return words;
  }

  private static void pack(Row row, int index, int stored, int[] words, int at) {
    Conversion c = row.conversion();
    int flags = (row.drawsNoise() ? FLAG_NOISE : 0) | (row.save() != null ? FLAG_SAVE : 0);
    double clip = 0;
    double quantile = 0;
    if (c.limit() instanceof Limit.Clip limit) {
      flags |= FLAG_CLIP;
      clip = limit.range();
    } else if (c.limit() instanceof Limit.DynamicThreshold limit) {
      flags |= FLAG_THRESHOLD;
      clip = limit.largest();
      quantile = limit.quantile();
    }
    double minLog = 0;
    double maxLog = 0;
    if (row.noiseScale() instanceof NoiseScale.LearnedVariance) {
      flags |= FLAG_VARIANCE;
    } else if (row.noiseScale() instanceof NoiseScale.LearnedRange range) {
      flags |= FLAG_VARIANCE_RANGE;
      minLog = range.minLogVariance();
      maxLog = range.maxLogVariance();
    }
    at = floats(words, at, row.inputScale(), row.timestep());
    at = floats(words, at, c.x0FromX(), c.x0FromOutput(), c.mFromX(), c.mFromX0());
    at = floats(words, at, clip, quantile, minLog, maxLog);
    words[at++] = flags;
    words[at++] = index;
    at = floats(words, at, row.update().terms());
    at = floats(words, at, (row.save() == null ? Combination.ZERO : row.save()).terms());
    words[at++] = row.push() ? stored % HISTORY : -1;
    for (int back = 1; back <= HISTORY; back++) {
      words[at++] = Math.floorMod(stored - back, HISTORY);
    }
  }

  private static int floats(int[] words, int at, double... values) {
    for (double value : values) {
      words[at++] = Float.floatToRawIntBits((float) value);
    }
    return at;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof CoefficientTable table
        && rows.equals(table.rows)
        && initNoiseSigma == table.initNoiseSigma
        && startImage == table.startImage
        && startNoise == table.startNoise;
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(pack());
  }

  @Override
  public String toString() {
    return "CoefficientTable of " + rows.size() + " calls";
  }
}
