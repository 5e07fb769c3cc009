package io.diffuse4j.core.cpu;

import io.diffuse4j.core.op.ElementType;
import io.diffuse4j.core.op.Graph;
import io.diffuse4j.core.op.NativeStatus;
import io.diffuse4j.core.op.PackedWeights;
import io.diffuse4j.core.op.PublishedTensors;
import io.diffuse4j.core.op.Weight;
import io.diffuse4j.natives.CpuOps;
import io.diffuse4j.weights.TensorSource;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Native weights by parameter. Each holds one copy; the first op that reads it reorders it to the
 * layout of its primitive, and every later plan uses that.
 */
final class CpuWeights implements PackedWeights {
  private final CpuMemory memory;
  private final long reserved;
  private final Map<Weight, Long> handles = new HashMap<>();

  CpuWeights(long engine, CpuMemory memory, Graph graph, TensorSource source) {
    this.memory = memory;
    this.reserved = publishedBytes(graph);
    memory.reserve("the weights", reserved);
    try {
      graph
          .weights()
          .forEach((weight, type) -> handles.put(weight, create(engine, weight, type, source)));
    } catch (Throwable t) {
      close();
      throw t;
    }
  }

  private CpuWeights() {
    this.memory = new CpuMemory(Long.MAX_VALUE);
    this.reserved = 0;
  }

  /** Weights without data, to plan with: ops made from them tell what they need. */
  static CpuWeights declared(long engine, Graph graph) {
    CpuWeights weights = new CpuWeights();
    try {
      graph
          .weights()
          .forEach((weight, type) -> weights.handles.put(weight, declare(engine, weight, type)));
      return weights;
    } catch (Throwable t) {
      weights.close();
      throw t;
    }
  }

  private static long declare(long engine, Weight weight, ElementType type) {
    long[] handle = new long[1];
    long[] dims = dims(weight);
    int dtype = CpuTypes.of(storage(weight, type));
    if (weight.kind() == Weight.Kind.CONV || weight.kind() == Weight.Kind.LINEAR) {
      NativeStatus.check(
          "d4j_weight_declare",
          CpuOps.d4j_weight_declare(engine, kind(weight), dims, dims.length, dtype, handle));
      return handle[0];
    }
    // Vectors and tables are small, and ops may read them when they are created.
    try (FloatPointer zeros = new FloatPointer(weight.elements())) {
      Pointer.memset(zeros, 0, weight.elements() * Float.BYTES);
      NativeStatus.check(
          "d4j_weight_create",
          CpuOps.d4j_weight_create(
              engine,
              kind(weight),
              new long[] {zeros.address()},
              new long[] {dims[0]},
              1,
              CpuOps.F32,
              dims,
              dims.length,
              dtype,
              handle));
    }
    return handle[0];
  }

  private static long publishedBytes(Graph graph) {
    long bytes = 0;
    for (Map.Entry<Weight, ElementType> entry : graph.weights().entrySet()) {
      bytes += entry.getKey().elements() * storage(entry.getKey(), entry.getValue()).bytes();
    }
    return bytes;
  }

  private static ElementType storage(Weight weight, ElementType activations) {
    return switch (weight.kind()) {
      case CONV, LINEAR -> activations;
      case VECTOR, TABLE -> ElementType.F32;
    };
  }

  private static long create(long engine, Weight weight, ElementType type, TensorSource source) {
    long[] dims = dims(weight);
    long[] handle = new long[1];
    try (PublishedTensors tensors = new PublishedTensors(weight, source)) {
      NativeStatus.check(
          "d4j_weight_create",
          CpuOps.d4j_weight_create(
              engine,
              kind(weight),
              tensors.addresses(),
              tensors.firstDims(),
              tensors.count(),
              tensors.dtype(),
              dims,
              dims.length,
              CpuTypes.of(storage(weight, type)),
              handle));
    }
    return handle[0];
  }

  private static int kind(Weight weight) {
    return switch (weight.kind()) {
      case CONV -> CpuOps.WEIGHT_CONV;
      case LINEAR -> CpuOps.WEIGHT_LINEAR;
      case VECTOR -> CpuOps.WEIGHT_VECTOR;
      case TABLE -> CpuOps.WEIGHT_TABLE;
    };
  }

  private static long[] dims(Weight weight) {
    return switch (weight.kind()) {
      case CONV ->
          new long[] {weight.totalOutputs(), weight.inputs(), weight.kernelH(), weight.kernelW()};
      case LINEAR, TABLE -> new long[] {weight.totalOutputs(), weight.inputs()};
      case VECTOR -> new long[] {weight.totalOutputs()};
    };
  }

  /** The native handle; 0 for an absent parameter. */
  long handle(Weight weight) {
    if (weight == null) {
      return 0;
    }
    Long handle = handles.get(weight);
    if (handle == null) {
      throw new IllegalStateException(weight.names() + " was not loaded");
    }
    return handle;
  }

  @Override
  public long bytes() {
    long total = 0;
    long[] bytes = new long[1];
    for (long handle : handles.values()) {
      NativeStatus.check("d4j_weight_bytes", CpuOps.d4j_weight_bytes(handle, bytes));
      total += bytes[0];
    }
    return total;
  }

  @Override
  public void close() {
    handles
        .values()
        .forEach(h -> NativeStatus.check("d4j_weight_destroy", CpuOps.d4j_weight_destroy(h)));
    handles.clear();
    memory.freed(reserved);
  }
}
