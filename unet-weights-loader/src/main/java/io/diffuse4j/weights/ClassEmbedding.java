package io.diffuse4j.weights;

/** How a U-Net turns class labels into a vector that is added to the time embedding. */
public enum ClassEmbedding {
  /** Takes no labels. */
  NONE,
  /** A row of the table {@code class_embedding.weight}. */
  TABLE,
  /** As a timestep: sinusoids, then two linear layers. */
  TIMESTEP,
  /** The label is the vector. */
  IDENTITY,
  /** Two linear layers over a given vector. */
  PROJECTION,
  /** One linear layer over a given vector. */
  SIMPLE_PROJECTION
}
