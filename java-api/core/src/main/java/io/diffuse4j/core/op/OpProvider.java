package io.diffuse4j.core.op;

import io.diffuse4j.core.device.PlannedMemory;
import io.diffuse4j.core.sampler.SamplerShape;
import io.diffuse4j.core.sampler.SamplerStep;
import io.diffuse4j.weights.TensorSource;

/**
 * The seam between model code and a device: all that a kind of device must offer to run graphs.
 * There is one implementation for each.
 */
public interface OpProvider {

  /** Copies the parameters that a graph reads to the device; closed by the caller. */
  PackedWeights load(Graph graph, TensorSource source);

  /**
   * Lays out and prepares a graph. The weights must outlive the plan.
   *
   * @param batchInvariant no bit of a sample may depend on the batch it is in
   */
  Plan compile(Graph graph, PackedWeights weights, boolean batchInvariant);

  /**
   * What {@link #load} and {@link #compile} of this graph will need; reads and allocates nothing.
   */
  PlannedMemory plan(Graph graph, boolean batchInvariant);

  /** The fused sampler step for a batch. */
  SamplerStep samplerStep(SamplerShape shape);

  /**
   * Writes the noise that the counter-based generator gives for a seed and step: {@code scale}
   * times a standard normal, numbered in NCHW order, [pixels][channels] in memory.
   */
  void noise(long seed, int step, int channels, int pixels, float scale, long address);

  /** Copies device memory; the ranges do not overlap. */
  void copy(long from, long to, long bytes);

  /**
   * Allocates device memory; {@link io.diffuse4j.core.device.DeviceMemoryException} if it cannot.
   */
  DeviceBuffer allocate(String what, long bytes);

  /** Runs work that touches the device where the device wants it run, and waits. */
  void execute(Runnable work);
}
