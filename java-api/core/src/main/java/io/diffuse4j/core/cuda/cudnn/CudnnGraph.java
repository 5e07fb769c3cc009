package io.diffuse4j.core.cuda.cudnn;

import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_ENGINECFG_ENGINE;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_ENGINEHEUR_MODE;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_ENGINEHEUR_RESULTS;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_ENGINE_NUMERICAL_NOTE;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_EXECUTION_PLAN_HANDLE;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_OPERATIONGRAPH_HANDLE;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_OPERATIONGRAPH_OPS;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_TENSOR_DATA_TYPE;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_TENSOR_DIMENSIONS;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_TENSOR_IS_BY_VALUE;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_TENSOR_IS_VIRTUAL;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_TENSOR_STRIDES;
import static org.bytedeco.cuda.global.cudnn.CUDNN_ATTR_TENSOR_UNIQUE_ID;
import static org.bytedeco.cuda.global.cudnn.CUDNN_BACKEND_ENGINECFG_DESCRIPTOR;
import static org.bytedeco.cuda.global.cudnn.CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR;
import static org.bytedeco.cuda.global.cudnn.CUDNN_BACKEND_ENGINE_DESCRIPTOR;
import static org.bytedeco.cuda.global.cudnn.CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR;
import static org.bytedeco.cuda.global.cudnn.CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR;
import static org.bytedeco.cuda.global.cudnn.CUDNN_BACKEND_TENSOR_DESCRIPTOR;
import static org.bytedeco.cuda.global.cudnn.CUDNN_DATA_FLOAT;
import static org.bytedeco.cuda.global.cudnn.CUDNN_HEUR_MODE_A;
import static org.bytedeco.cuda.global.cudnn.CUDNN_HEUR_MODE_FALLBACK;
import static org.bytedeco.cuda.global.cudnn.CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS;
import static org.bytedeco.cuda.global.cudnn.CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC;
import static org.bytedeco.cuda.global.cudnn.CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION;
import static org.bytedeco.cuda.global.cudnn.CUDNN_NUMERICAL_NOTE_TENSOR_CORE;
import static org.bytedeco.cuda.global.cudnn.CUDNN_NUMERICAL_NOTE_TYPE_COUNT;
import static org.bytedeco.cuda.global.cudnn.CUDNN_TYPE_DATA_TYPE;
import static org.bytedeco.cuda.global.cudnn.CUDNN_TYPE_HEUR_MODE;
import static org.bytedeco.cuda.global.cudnn.CUDNN_TYPE_NUMERICAL_NOTE;

import io.diffuse4j.core.device.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.bytedeco.cuda.cudnn.cudnnContext;

/**
 * Operations over tensors, as cuDNN's graph API wants them. Tensors are numbered from 1 in the
 * order in which they are made. Closing it closes all of its descriptors.
 */
final class CudnnGraph implements AutoCloseable {
  /** A plan that wants more is not taken: it is memory of every plan of a model. */
  private static final long MOST_WORKSPACE = 256L << 20;

  private final List<CudnnDescriptor> owned = new ArrayList<>();
  private final List<CudnnDescriptor> operations = new ArrayList<>();
  private int tensors;

  /** Keeps a descriptor until this is closed. */
  CudnnDescriptor make(int type) {
    CudnnDescriptor descriptor = new CudnnDescriptor(type);
    owned.add(descriptor);
    return descriptor;
  }

  private CudnnDescriptor tensor(int dataType, long alignment, long[] dims, long[] strides) {
    return make(CUDNN_BACKEND_TENSOR_DESCRIPTOR)
        .choice(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, dataType)
        .integers(CUDNN_ATTR_TENSOR_DIMENSIONS, dims)
        .integers(CUDNN_ATTR_TENSOR_STRIDES, strides)
        .integers(CUDNN_ATTR_TENSOR_UNIQUE_ID, ++tensors)
        .integers(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, alignment);
  }

  /** One that lies in memory. */
  CudnnDescriptor memory(int dataType, long alignment, long[] dims, long[] strides) {
    return tensor(dataType, alignment, dims, strides).finish();
  }

  /** One in f32 between two operations, which lies nowhere. */
  CudnnDescriptor between(long[] dims, long[] strides) {
    return tensor(CUDNN_DATA_FLOAT, Float.BYTES, dims, strides)
        .flag(CUDNN_ATTR_TENSOR_IS_VIRTUAL, true)
        .finish();
  }

  /** A number in f32 of four dimensions; its address is one of the host. */
  CudnnDescriptor scalar() {
    long[] ones = {1, 1, 1, 1};
    return tensor(CUDNN_DATA_FLOAT, Float.BYTES, ones, ones)
        .flag(CUDNN_ATTR_TENSOR_IS_BY_VALUE, true)
        .finish();
  }

  /** The number of the tensor made last. */
  int last() {
    return tensors;
  }

  /** Adds an operation whose attributes are set. */
  void add(CudnnDescriptor operation) {
    operations.add(operation.finish());
  }

  /**
   * The best plan by cuDNN's own judgement that keeps our promises about numbers; closed by the
   * caller.
   *
   * @return empty if cuDNN does not compute these operations
   */
  Optional<CudnnDescriptor> plan(cudnnContext library, DType multiplied) {
    CudnnDescriptor graph =
        make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR)
            .library(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, library)
            .descriptors(CUDNN_ATTR_OPERATIONGRAPH_OPS, operations);
    if (!graph.canFinish()) {
      return Optional.empty();
    }
    for (int mode : new int[] {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
      CudnnDescriptor heuristics =
          make(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR)
              .descriptor(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph)
              .choice(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, mode);
      if (!heuristics.canFinish()) {
        continue;
      }
      List<CudnnDescriptor> configurations =
          heuristics.descriptors(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
      owned.addAll(configurations);
      for (CudnnDescriptor configuration : configurations) {
        if (keepsPromises(configuration, multiplied)) {
          Optional<CudnnDescriptor> plan = plan(library, configuration);
          if (plan.isPresent()) {
            return plan;
          }
        }
      }
    }
    return Optional.empty();
  }

  private static Optional<CudnnDescriptor> plan(
      cudnnContext library, CudnnDescriptor configuration) {
    CudnnDescriptor plan = new CudnnDescriptor(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    try {
      plan.library(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, library)
          .descriptor(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
      if (plan.canFinish()
          && plan.integer(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE) <= MOST_WORKSPACE) {
        return Optional.of(plan);
      }
    } catch (Throwable t) {
      plan.close();
      throw t;
    }
    plan.close();
    return Optional.empty();
  }

  /**
   * The bits do not depend on the run; sums are in f32; f32 is multiplied as f32, and nothing is
   * converted to a smaller type.
   */
  private static boolean keepsPromises(CudnnDescriptor configuration, DType multiplied) {
    Set<Integer> refused = new TreeSet<>();
    refused.add(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC);
    refused.add(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION);
    if (multiplied != DType.TF32) {
      refused.add(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS);
    }
    if (multiplied == DType.F32) {
      refused.add(CUDNN_NUMERICAL_NOTE_TENSOR_CORE);
    }
    List<CudnnDescriptor> engines =
        configuration.descriptors(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    try {
      for (CudnnDescriptor engine : engines) {
        for (int note :
            engine.choices(
                CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                CUDNN_TYPE_NUMERICAL_NOTE,
                CUDNN_NUMERICAL_NOTE_TYPE_COUNT)) {
          if (refused.contains(note)) {
            return false;
          }
        }
      }
      return true;
    } finally {
      engines.forEach(CudnnDescriptor::close);
    }
  }

  @Override
  public void close() {
    // What was made last uses what was made before it.
    for (int i = owned.size() - 1; i >= 0; i--) {
      owned.get(i).close();
    }
    owned.clear();
  }
}
