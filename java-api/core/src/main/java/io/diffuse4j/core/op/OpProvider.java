package io.diffuse4j.core.op;

import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.PlannedMemory;
import io.diffuse4j.core.sampler.SamplerShape;
import io.diffuse4j.core.sampler.SamplerStep;
import io.diffuse4j.weights.TensorSource;

/**
 * The seam between model code and a device: all that a kind of device must offer to run graphs.
 * There is one implementation for each.
 */
public interface OpProvider {

  /**
   * Copies the parameters that a graph reads to the device; closed by the caller.
   *
   * @param graph of a size at which no image is a single pixel: what is one vector a sample then is
   *     one at every size
   * @param dtype what the model computes in
   */
  PackedWeights load(Graph graph, DType dtype, TensorSource source);

  /**
   * Lays out and prepares a graph. The weights must outlive the plan.
   *
   * @param batchInvariant no bit of a sample may depend on the batch it is in
   */
  Plan compile(Graph graph, PackedWeights weights, boolean batchInvariant);

  /**
   * What {@link #load} and {@link #compile} of this graph will need; reads and allocates nothing.
   */
  PlannedMemory plan(Graph graph, DType dtype, boolean batchInvariant);

  /** The samples of a batch. */
  SamplerStep samplerStep(SamplerShape shape);

  /**
   * Joins a network and a batch of samples.
   *
   * @param plan the network; null if others write what it would give
   * @param step samples of this provider
   */
  SamplingLoop samplingLoop(Plan plan, SamplerStep step);

  /** Copies device memory; the ranges do not overlap. */
  void copy(long from, long to, long bytes);

  /**
   * Allocates device memory; {@link io.diffuse4j.core.device.DeviceMemoryException} if it cannot.
   */
  DeviceBuffer allocate(String what, long bytes);

  /** Runs a plan once and waits for it. */
  void run(Plan plan);
}
