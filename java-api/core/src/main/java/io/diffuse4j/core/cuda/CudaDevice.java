package io.diffuse4j.core.cuda;

import io.diffuse4j.core.device.CudaOptions;
import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.device.Device;
import io.diffuse4j.core.device.DeviceException;
import io.diffuse4j.core.device.DeviceKind;
import io.diffuse4j.core.device.PlannedMemory;
import io.diffuse4j.core.device.VirtualOptions;
import io.diffuse4j.core.engine.NativeResource;
import io.diffuse4j.core.op.DeviceBuffer;
import io.diffuse4j.core.op.Graph;
import io.diffuse4j.core.op.OpProvider;
import io.diffuse4j.core.op.PackedWeights;
import io.diffuse4j.core.op.Plan;
import io.diffuse4j.core.op.SamplingLoop;
import io.diffuse4j.core.sampler.SamplerShape;
import io.diffuse4j.core.sampler.SamplerStep;
import io.diffuse4j.weights.TensorSource;

/**
 * A GPU through the CUDA driver API: a real one, or the virtual GPU. Both run the same kernels and
 * make the same calls.
 */
public final class CudaDevice extends Device implements OpProvider {
  private final boolean virtual;
  private final CudaContext context;
  private final CudaStream stream;
  private final CudaMemory memory;
  private final CudaModules modules;

  private CudaDevice(boolean virtual, int ordinal, long memoryLimit) {
    this.virtual = virtual;
    CudaContext opened = new CudaContext(ordinal);
    CudaStream queue = null;
    try {
      queue = new CudaStream(opened);
      modules = new CudaModules(opened, virtual);
    } catch (Throwable t) {
      NativeResource.closeAll(queue, opened);
      throw t;
    }
    context = opened;
    stream = queue;
    memory = new CudaMemory(context, stream, memoryLimit);
  }

  /** Whether {@link #open(CudaOptions)} would find a GPU. */
  public static boolean isAvailable() {
    if (!CudaModules.areThere()) {
      return false;
    }
    try {
      CudaDriver.openReal();
      return true;
    } catch (IllegalStateException | DeviceException e) {
      // No driver, no GPU, or a driver that does not start: doctor says which.
      return false;
    }
  }

  /** Opens a GPU of this machine. */
  public static CudaDevice open(CudaOptions options) {
    CudaDriver.openReal();
    return new CudaDevice(false, options.index(), options.memoryLimit());
  }

  /** Opens the virtual GPU. */
  public static CudaDevice open(VirtualOptions options) {
    CudaDriver.openVirtual(options.profile());
    return new CudaDevice(true, 0, options.memoryLimit());
  }

  @Override
  public DeviceKind kind() {
    return virtual ? DeviceKind.VIRTUAL : DeviceKind.CUDA;
  }

  @Override
  public String description() {
    return (virtual ? "virtual, " : "cuda, ")
        + context.name()
        + ", compute capability "
        + context.major()
        + "."
        + context.minor()
        + ", "
        + context.multiprocessors().count()
        + " multiprocessors";
  }

  @Override
  public boolean supports(DType dtype) {
    return true;
  }

  @Override
  public PackedWeights load(Graph graph, DType dtype, TensorSource source) {
    return new CudaWeights(memory, graph, dtype, source);
  }

  @Override
  public Plan compile(Graph graph, PackedWeights weights, boolean batchInvariant) {
    return new CudaPlan(context, modules, memory, graph, (CudaWeights) weights, batchInvariant);
  }

  @Override
  public PlannedMemory plan(Graph graph, DType dtype, boolean batchInvariant) {
    CudaWeights declared = new CudaWeights(graph, dtype);
    return new PlannedMemory(
        declared.bytes(), CudaPlan.plannedBytes(context, graph, declared, batchInvariant));
  }

  @Override
  public SamplerStep samplerStep(SamplerShape shape) {
    return new CudaSamplerStep(context, modules, stream, memory, shape);
  }

  @Override
  public SamplingLoop samplingLoop(Plan plan, SamplerStep step) {
    return new CudaSamplingLoop(context, (CudaPlan) plan, (CudaSamplerStep) step);
  }

  @Override
  public void copy(long from, long to, long bytes) {
    stream.copy(from, to, bytes);
  }

  @Override
  public DeviceBuffer allocate(String what, long bytes) {
    return memory.allocate(what, bytes);
  }

  @Override
  public void run(Plan plan) {
    stream.launch(((CudaPlan) plan).graph());
    stream.synchronize();
  }

  /** For measurements on the device's own clock. */
  public CudaTimer timer() {
    return new CudaTimer(context, stream);
  }

  @Override
  protected String describe() {
    return "Device " + kind().name().toLowerCase(java.util.Locale.ROOT);
  }

  @Override
  protected void release() {
    NativeResource.closeAll(modules, stream, context);
  }
}
