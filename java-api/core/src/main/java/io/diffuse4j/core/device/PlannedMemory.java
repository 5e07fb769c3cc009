package io.diffuse4j.core.device;

/**
 * What a model will need on a device, known before anything is loaded.
 *
 * @param weightBytes packed weights, once for the model
 * @param planBytes activations and scratch, for each plan of this shape
 */
public record PlannedMemory(long weightBytes, long planBytes) {}
