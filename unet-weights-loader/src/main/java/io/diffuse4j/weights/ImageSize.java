package io.diffuse4j.weights;

/** Height and width in pixels of the model's sample (latent pixels for a latent model). */
public record ImageSize(int height, int width) {}
