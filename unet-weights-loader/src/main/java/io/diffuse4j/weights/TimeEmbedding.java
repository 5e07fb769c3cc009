package io.diffuse4j.weights;

/** How a U-Net turns a timestep into a vector, before the two linear layers. */
public enum TimeEmbedding {
  /** Sines and cosines of fixed frequencies. */
  POSITIONAL,
  /** Sines and cosines of the frequencies in {@code time_proj.weight}. */
  FOURIER,
  /** A row of the table {@code time_proj.weight}. */
  LEARNED
}
