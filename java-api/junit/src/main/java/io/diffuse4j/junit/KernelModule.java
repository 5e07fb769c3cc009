package io.diffuse4j.junit;

import static org.bytedeco.cuda.global.cudart.cuModuleGetFunction;
import static org.bytedeco.cuda.global.cudart.cuModuleGetGlobal;
import static org.bytedeco.cuda.global.cudart.cuModuleLoadData;

import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.SizeTPointer;

/** Loaded code; unloaded with its {@link VirtualGpu}. */
public final class KernelModule {
  private final CudaCalls calls;
  private final CUmod_st module = new CUmod_st();
  private final String ptx;

  KernelModule(CudaCalls calls, String ptx) {
    this.calls = calls;
    this.ptx = ptx;
    try (BytePointer text = new BytePointer(ptx)) {
      calls.check(cuModuleLoadData(module, text), "cuModuleLoadData");
    }
  }

  /** The handle, for calls of the driver API. */
  public CUmod_st module() {
    return module;
  }

  /** The PTX that was loaded. */
  public String ptx() {
    return ptx;
  }

  /**
   * A kernel by its name: that of an {@code extern "C"} function, or a mangled one.
   *
   * @throws VirtualGpuException if there is none; the message lists those there are
   */
  public Kernel kernel(String name) {
    CUfunc_st function = new CUfunc_st();
    calls.check(cuModuleGetFunction(function, module, name), "cuModuleGetFunction");
    return new Kernel(calls, name, function);
  }

  /** The device address of a {@code __device__} or {@code __constant__} variable. */
  public long global(String name) {
    try (LongPointer address = new LongPointer(1);
        SizeTPointer bytes = new SizeTPointer(1)) {
      calls.check(
          cuModuleGetGlobal(address, bytes, module, new BytePointer(name)), "cuModuleGetGlobal");
      return address.get();
    }
  }
}
