package io.diffuse4j.core.model;

import io.diffuse4j.core.op.ElementType;
import io.diffuse4j.core.op.Graph;
import io.diffuse4j.weights.ImageSize;
import java.util.Optional;

/** A denoising network: what a sampler needs to know of it, and its graph for a shape. */
public sealed interface UNet permits UNet2D, UNet2DCondition {

  /**
   * What a graph is built for.
   *
   * @param batch samples in one call
   * @param height of the sample, in pixels or latent pixels
   * @param width of the sample
   * @param contextTokens tokens of {@code encoder_hidden_states}; 0 for models without
   */
  record Shape(int batch, int height, int width, int contextTokens) {}

  int inChannels();

  int outChannels();

  /** How many class labels it knows, the null label included; 0 for models without classes. */
  int classes();

  /** What it was trained on, if its configuration says so. */
  Optional<ImageSize> sampleSize();

  /** Height and width must be multiples of it. */
  int sizeMultiple();

  /**
   * The network for one shape. Fails on sizes that are not multiples of {@link #sizeMultiple()}.
   */
  Graph graph(Shape shape, ElementType type);
}
