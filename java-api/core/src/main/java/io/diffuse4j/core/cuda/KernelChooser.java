package io.diffuse4j.core.cuda;

import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.DeviceMemoryException;
import io.diffuse4j.core.op.Graph;
import io.diffuse4j.core.op.Op;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Which ops of a plan a foreign library computes: those that it computes, with the same result,
 * faster than our kernels on this device. What was measured is remembered. Whatever the library
 * does wrong, our kernels are used.
 *
 * <p>Thread-safe. Other threads' work on the device disturbs a measurement; that is why it is the
 * median of several, taken in turns.
 */
final class KernelChooser implements AutoCloseable {
  private final CudaContext context;
  private final ForeignKernels library;
  private final KernelComparison comparison;
  private final KernelChoiceFile file;
  private final Consumer<String> warnings;
  private final Map<String, KernelChoice> choices;

  /**
   * Closes the library with itself.
   *
   * @param file where choices are remembered
   * @param warnings gets a line when something is wrong with the library
   */
  KernelChooser(
      CudaContext context,
      ForeignKernels library,
      KernelComparison comparison,
      KernelChoiceFile file,
      Consumer<String> warnings) {
    this.context = context;
    this.library = library;
    this.comparison = comparison;
    this.file = file;
    this.warnings = warnings;
    choices = new TreeMap<>(file.read());
  }

  String version() {
    return library.version();
  }

  KernelChoiceFile file() {
    return file;
  }

  /** Everything known of op shapes, in alphabetical order. */
  synchronized List<KernelChoice> choices() {
    return List.copyOf(choices.values());
  }

  private static boolean isCandidate(Op op) {
    // Our convolution reads two sources, an upsampled one and a shortcut's where they lie; others
    // cannot.
    return op instanceof Op.Attention
        || (op instanceof Op.Conv2d conv
            && conv.skip() == null
            && conv.shortcut() == null
            && conv.upsample() == 1
            && !conv.source().isSlice()
            && !conv.output().isSlice());
  }

  private static DType multiplied(Op op, DType dtype) {
    return CudaTypes.multiplied(dtype, op.inputs().get(0).type());
  }

  /** The shape as choices are remembered: tf32 is stored as f32. */
  private static String key(IsolatedOp alone, DType dtype) {
    return multiplied(alone.op(), dtype) + " " + alone.shape();
  }

  /**
   * The foreign ops of a plan, measuring what is not known yet.
   *
   * @param graph as {@link CudaFusion} leaves it
   */
  synchronized ForeignOps choose(Graph graph, CudaWeights weights) {
    context.bind();
    measure(graph, weights);
    Map<String, ForeignKernel> prepared = new HashMap<>();
    Map<Op, ForeignKernel> kernels = new LinkedHashMap<>();
    for (Op op : graph.ops()) {
      if (isCandidate(op)) {
        IsolatedOp alone = new IsolatedOp(graph, op);
        String key = key(alone, weights.dtype());
        ForeignKernel kernel =
            prepared.computeIfAbsent(key, k -> prepareChosen(k, alone.op(), weights.dtype()));
        if (kernel != null) {
          kernels.put(op, kernel);
        }
      }
    }
    return new ForeignOps(library.version(), kernels, weights);
  }

  private ForeignKernel prepareChosen(String key, Op op, DType dtype) {
    if (!choices.get(key).isForeign()) {
      return null;
    }
    try {
      Optional<ForeignKernel> kernel = library.prepare(op, multiplied(op, dtype));
      if (kernel.isPresent()) {
        return kernel.get();
      }
      warn("no longer computes", key, null);
    } catch (RuntimeException | LinkageError e) {
      warn("fails to prepare", key, e);
    }
    choices.put(key, KernelChoice.ours(key));
    return null;
  }

  private void measure(Graph graph, CudaWeights weights) {
    Map<String, KernelChoice> found = new LinkedHashMap<>();
    for (Op op : graph.ops()) {
      if (isCandidate(op)) {
        IsolatedOp alone = new IsolatedOp(graph, op);
        String key = key(alone, weights.dtype());
        if (!choices.containsKey(key)) {
          KernelChoice choice = measure(key, alone, weights, found);
          choices.put(key, choice);
        }
      }
    }
    if (!found.isEmpty()) {
      file.add(found);
    }
  }

  /** What is worth remembering is added to {@code found}: a failure may not last. */
  private KernelChoice measure(
      String key, IsolatedOp alone, CudaWeights weights, Map<String, KernelChoice> found) {
    try {
      DType multiplied = multiplied(alone.op(), weights.dtype());
      Optional<ForeignKernel> kernel = library.prepare(alone.op(), multiplied);
      KernelChoice choice =
          kernel.isEmpty()
              ? KernelChoice.ours(key)
              : comparison.compare(key, alone, multiplied, weights, library, kernel.get());
      found.put(key, choice);
      return choice;
    } catch (DeviceMemoryException e) {
      warn("was not measured, for want of memory:", key, e);
    } catch (RuntimeException | LinkageError e) {
      warn("fails to compute", key, e);
    }
    return KernelChoice.ours(key);
  }

  private void warn(String what, String key, Throwable why) {
    warnings.accept(
        library.version()
            + " "
            + what
            + " "
            + key
            + (why == null ? "" : " (" + why + ")")
            + "; our kernels are used");
  }

  /** What is known to be foreign of a plan that is not made; measures and prepares nothing. */
  synchronized ForeignOps.Needs remembered(Graph graph, CudaWeights declared) {
    Set<Op> ops = new LinkedHashSet<>();
    long workspace = 0;
    for (Op op : graph.ops()) {
      if (isCandidate(op)) {
        KernelChoice choice = choices.get(key(new IsolatedOp(graph, op), declared.dtype()));
        if (choice != null && choice.isForeign()) {
          ops.add(op);
          workspace = Math.max(workspace, choice.workspaceBytes());
        }
      }
    }
    return ForeignOps.Needs.of(ops, declared, workspace);
  }

  /** Says that a plan with foreign kernels could not be made. */
  void warn(RuntimeException why) {
    warnings.accept(
        "a plan with " + library.version() + " failed (" + why + "); our kernels are used");
  }

  @Override
  public synchronized void close() {
    context.bind();
    library.close();
  }
}
