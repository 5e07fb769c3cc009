package io.diffuse4j.core.cuda;

import io.diffuse4j.core.cuda.cudnn.CudnnKernels;
import io.diffuse4j.core.device.CudaOptions;
import io.diffuse4j.core.device.CudnnFinding;
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
import io.diffuse4j.weights.BundledModels;
import io.diffuse4j.weights.TensorSource;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A GPU through the CUDA driver API: a real one, or the virtual GPU. Both run the same kernels and
 * make the same calls.
 */
public final class CudaDevice extends Device implements OpProvider {
  /** Of a measurement on a real GPU; the virtual one's clock shows the same every time. */
  private static final int SAMPLES = 5;

  private final boolean virtual;
  private final CudaContext context;
  private final CudaStream stream;
  private final CudaMemory memory;
  private final CudaModules modules;

  /** Null without foreign kernels. */
  private final KernelChooser chooser;

  private final CudnnFinding finding;

  private CudaDevice(boolean virtual, int ordinal, long memoryLimit, Foreign foreign) {
    this.virtual = virtual;
    CudaContext opened = new CudaContext(ordinal);
    CudaStream queue = null;
    ForeignKernels library = null;
    try {
      queue = new CudaStream(opened);
      modules = new CudaModules(opened, virtual);
      memory = new CudaMemory(opened, queue, memoryLimit);
      opened.bind();
      String absent = "";
      try {
        library = foreign.library.get();
      } catch (IllegalStateException e) {
        absent = e.getMessage();
      }
      chooser = library == null ? null : chooser(opened, queue, library, foreign);
      finding = new CudnnFinding(library != null, library == null ? absent : library.version());
    } catch (Throwable t) {
      NativeResource.closeAll(library, queue, opened);
      throw t;
    }
    context = opened;
    stream = queue;
  }

  /**
   * Where kernels that are not ours come from.
   *
   * @param library opens it in the bound context; {@link IllegalStateException} says why it cannot
   * @param folder where choices are remembered
   * @param warnings gets lines about it
   */
  record Foreign(Supplier<ForeignKernels> library, Path folder, Consumer<String> warnings) {
    private static final System.Logger LOG = System.getLogger(CudaDevice.class.getName());

    static Foreign none() {
      return new Foreign(
          () -> {
            throw new IllegalStateException("it was not asked for");
          },
          Path.of(""),
          warning -> {});
    }

    static Foreign cudnn() {
      return new Foreign(
          CudnnKernels::open,
          BundledModels.cacheFolder(),
          warning -> LOG.log(System.Logger.Level.WARNING, warning));
    }
  }

  private KernelChooser chooser(
      CudaContext opened, CudaStream queue, ForeignKernels library, Foreign foreign) {
    String identity =
        opened.identity() + ", " + library.version() + ", kernels " + modules.contentHash();
    return new KernelChooser(
        opened,
        library,
        new KernelComparison(opened, modules, queue, memory, virtual ? 1 : SAMPLES),
        new KernelChoiceFile(foreign.folder, identity, foreign.warnings),
        foreign.warnings);
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
    return new CudaDevice(
        false,
        options.index(),
        options.memoryLimit(),
        options.cudnn() ? Foreign.cudnn() : Foreign.none());
  }

  /** Opens the virtual GPU. */
  public static CudaDevice open(VirtualOptions options) {
    return open(options, Foreign.none());
  }

  /** With what stands in for cuDNN, which needs a real GPU. */
  static CudaDevice open(VirtualOptions options, Foreign foreign) {
    CudaDriver.openVirtual(options.profile());
    return new CudaDevice(true, 0, options.memoryLimit(), foreign);
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
        + " multiprocessors"
        + (chooser == null ? "" : ", " + chooser.version());
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
    CudaWeights packed = (CudaWeights) weights;
    // Which kernel a foreign library takes may depend on the batch.
    if (chooser != null && !batchInvariant) {
      ForeignOps foreign = chooser.choose(new CudaFusion(graph).graph(), packed);
      if (!foreign.isEmpty()) {
        try {
          return new CudaPlan(context, modules, memory, graph, packed, false, foreign);
        } catch (RuntimeException e) {
          foreign.close();
          chooser.warn(e);
        }
      }
    }
    return new CudaPlan(context, modules, memory, graph, packed, batchInvariant, ForeignOps.none());
  }

  @Override
  public PlannedMemory plan(Graph graph, DType dtype, boolean batchInvariant) {
    CudaWeights declared = new CudaWeights(graph, dtype);
    ForeignOps.Needs foreign =
        chooser == null || batchInvariant
            ? ForeignOps.Needs.NONE
            : chooser.remembered(new CudaFusion(graph).graph(), declared);
    return new PlannedMemory(
        declared.bytes(), CudaPlan.plannedBytes(context, graph, declared, batchInvariant, foreign));
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

  /** Whether plans may use cuDNN, with its version, or why not. */
  public CudnnFinding cudnn() {
    return finding;
  }

  /** What is known of op shapes: empty without a foreign library. */
  public List<KernelChoice> kernelChoices() {
    return chooser == null ? List.of() : chooser.choices();
  }

  /** Where they are remembered; null without a foreign library. */
  KernelChoiceFile kernelChoiceFile() {
    return chooser == null ? null : chooser.file();
  }

  @Override
  protected String describe() {
    return "Device " + kind().name().toLowerCase(java.util.Locale.ROOT);
  }

  @Override
  protected void release() {
    NativeResource.closeAll(chooser, modules, stream, context);
  }
}
