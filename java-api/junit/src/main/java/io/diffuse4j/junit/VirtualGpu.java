package io.diffuse4j.junit;

import static org.bytedeco.cuda.global.cudart.cuCtxSetCurrent;
import static org.bytedeco.cuda.global.cudart.cuCtxSynchronize;
import static org.bytedeco.cuda.global.cudart.cuDevicePrimaryCtxRelease;
import static org.bytedeco.cuda.global.cudart.cuDevicePrimaryCtxRetain;
import static org.bytedeco.cuda.global.cudart.cuInit;

import io.diffuse4j.natives.CudaRuntimeLibrary;
import io.diffuse4j.natives.VirtualGpuDiagnostic;
import io.diffuse4j.natives.VirtualGpuDriver;
import io.diffuse4j.natives.VirtualGpuLaunch;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.cuda.cudart.CUctx_st;

/**
 * A virtual GPU for one test: a fresh device with a current context. Get it as a parameter of a
 * test with {@link VirtualGpuExtension}. The driver API of the JavaCPP presets works beside it.
 * Used by the thread that opened it; other threads may use the driver API with {@link #context()}.
 */
public final class VirtualGpu implements AutoCloseable {
  /** All checkers, all counters, and an end to kernels that loop for ever. */
  static final String DEFAULT_SETTINGS =
      "profile=a100,check=all,schedule=forward,counters=on,threads=0,limit=1000000000,"
          + "approximation=0,memory=8G";

  private final VirtualGpuDriver driver;
  private final CudaCalls calls;
  private final KernelCompiler compiler = new KernelCompiler();
  private final CUctx_st context = new CUctx_st();
  private final List<DeviceArray> arrays = new ArrayList<>();
  private boolean closed;

  /**
   * Opens the device, for programs that are no tests: a process has one at a time, and it starts
   * without findings, launches and contexts of its predecessor.
   *
   * @param settings changes to the defaults, as in {@code DIFFUSE4J_VGPU}; see {@link
   *     VirtualGpuSettings#value}
   * @throws IllegalArgumentException if a setting is not what it must be
   */
  public VirtualGpu(String settings) {
    driver = new VirtualGpuDriver();
    CudaRuntimeLibrary.load();
    calls = new CudaCalls(driver);
    driver.reset();
    driver.configure(DEFAULT_SETTINGS);
    driver.configure(settings);
    calls.check(cuInit(0), "cuInit");
    calls.check(cuDevicePrimaryCtxRetain(context, 0), "cuDevicePrimaryCtxRetain");
    calls.check(cuCtxSetCurrent(context), "cuCtxSetCurrent");
  }

  /**
   * Compiles CUDA C++ for compute_80 and loads it. CUDA's own headers can be included.
   *
   * @param options of NVRTC, such as {@code -DTILE=8}
   * @throws KernelCompilationException with NVRTC's log
   */
  public KernelModule compile(String source, String... options) {
    return compile("kernel.cu", source, List.of(options));
  }

  /**
   * As {@link #compile(String, String...)}, of a source that has a file's name.
   *
   * @param name what messages and source lines call it; includes are looked up in its folder
   */
  public KernelModule compile(String name, String source, List<String> options) {
    return load(compiler.compile(name, source, options));
  }

  /** As {@link #compile}, of a resource beside the class {@code owner}. */
  public KernelModule compileResource(Class<?> owner, String resource, String... options) {
    try (InputStream in = owner.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalArgumentException("no resource " + resource + " beside " + owner);
      }
      String source = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return compile(resource, source, List.of(options));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Loads PTX text. */
  public KernelModule load(String ptx) {
    return new KernelModule(calls, ptx);
  }

  /** Device memory that nothing has written yet: reading it is a finding. */
  public DeviceArray allocate(long bytes) {
    return own(new DeviceArray(calls, bytes));
  }

  /**
   * As {@link #allocate(long)}.
   *
   * @param origin what findings call the allocation, instead of the line that made it
   */
  public DeviceArray allocate(long bytes, String origin) {
    return own(new DeviceArray(calls, bytes, origin));
  }

  private DeviceArray own(DeviceArray array) {
    arrays.add(array);
    return array;
  }

  /** A device array with these values. */
  public DeviceArray floats(float... values) {
    return allocate(4L * values.length).set(values);
  }

  /** A device array with these values. */
  public DeviceArray doubles(double... values) {
    return allocate(8L * values.length).set(values);
  }

  /** A device array with these values. */
  public DeviceArray ints(int... values) {
    return allocate(4L * values.length).set(values);
  }

  /** A device array with these values. */
  public DeviceArray longs(long... values) {
    return allocate(8L * values.length).set(values);
  }

  /** A device array with these values. */
  public DeviceArray bytes(byte... values) {
    return allocate(values.length).set(values);
  }

  /** A device array with these values, rounded to {@code __half}. */
  public DeviceArray halves(float... values) {
    return allocate(2L * values.length).setHalves(values);
  }

  /**
   * Waits for all queued work.
   *
   * @throws VirtualGpuException if a kernel failed
   */
  public void synchronize() {
    calls.check(cuCtxSynchronize(), "cuCtxSynchronize");
  }

  /** The findings so far, of all work that has run: {@link #synchronize()} first. */
  public List<VirtualGpuDiagnostic> diagnostics() {
    return driver.diagnostics();
  }

  /** The launches that have run, with their counters, oldest first. */
  public List<VirtualGpuLaunch> launches() {
    return driver.launches();
  }

  /**
   * The counters of the last launch that has run, after waiting for all queued work.
   *
   * @throws IllegalStateException if there was none
   */
  public VirtualGpuLaunch lastLaunch() {
    synchronize();
    List<VirtualGpuLaunch> launches = driver.launches();
    if (launches.isEmpty()) {
      throw new IllegalStateException("no kernel has run");
    }
    return launches.get(launches.size() - 1);
  }

  /** Settings, fault injection and the log of calls. */
  public VirtualGpuDriver driver() {
    return driver;
  }

  /** The current context, for other threads. */
  public CUctx_st context() {
    return context;
  }

  /**
   * Waits for all queued work, frees the arrays and destroys the context: what the test allocated
   * through the driver API and did not free is then a finding. Idempotent.
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    driver.clearFaults();
    try {
      synchronize();
      arrays.forEach(DeviceArray::close);
    } catch (VirtualGpuException e) {
      // A finding says more about a fault than the code that every call now returns.
      boolean explained = !driver.diagnostics().isEmpty();
      cuDevicePrimaryCtxRelease(0);
      if (!explained) {
        throw e;
      }
      return;
    }
    calls.check(cuDevicePrimaryCtxRelease(0), "cuDevicePrimaryCtxRelease");
  }
}
