package io.diffuse4j.core.cuda;

import static org.bytedeco.cuda.global.cudart.cuFuncSetAttribute;
import static org.bytedeco.cuda.global.cudart.cuModuleGetFunction;
import static org.bytedeco.cuda.global.cudart.cuModuleLoadData;
import static org.bytedeco.cuda.global.cudart.cuModuleUnload;

import io.diffuse4j.core.engine.NativeResource;
import io.diffuse4j.natives.KernelBundle;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.javacpp.BytePointer;

/** The kernels of a device: images are loaded when one of their kernels is first asked for. */
final class CudaModules implements AutoCloseable {
  private static final int MAX_DYNAMIC_SHARED_SIZE_BYTES = 8;

  /** More dynamic shared memory than this must be asked for. */
  private static final int WITHOUT_ASKING = 48 * 1024;

  /** The images of convolutions with the norms behind them, and of attention. */
  private static final List<String> REPLACEABLE =
      List.of("conv_fprop", "norm", "attention_f16", "attention_bf16", "attention_fma");

  private static final int[] AMPERE_AND_ADA = {89, 86, 80};

  private record Key(String image, String kernel) {}

  private final CudaContext context;
  private final boolean virtual;
  private final KernelBundle bundle;
  private final Map<String, CUmod_st> modules = new HashMap<>();
  private final Map<Key, CUfunc_st> functions = new HashMap<>();
  private final Map<Key, Integer> sharedBytes = new HashMap<>();

  CudaModules(CudaContext context, boolean virtual) {
    this.context = context;
    this.virtual = virtual;
    bundle =
        bundle()
            .orElseThrow(
                () ->
                    new IllegalStateException(
                        "the compiled CUDA kernels are missing: add the artifact"
                            + " diffuse4j-kernels"));
  }

  private static Optional<KernelBundle> bundle() {
    return ServiceLoader.load(KernelBundle.class, CudaModules.class.getClassLoader()).findFirst();
  }

  /** Whether the kernels are on the class path or module path. */
  static boolean areThere() {
    return bundle().isPresent();
  }

  /** A number of 64 bits, in hexadecimal, that changes with the kernels that others can replace. */
  String contentHash() {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (String image : REPLACEABLE) {
        digest.update(bundle.ptx(image));
      }
      return HexFormat.of().formatHex(digest.digest(), 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** The kernel, ready to be launched with this much dynamic shared memory. */
  synchronized CUfunc_st function(String image, String kernel, int dynamicSharedBytes) {
    context.bind();
    Key key = new Key(image, kernel);
    CUfunc_st function = functions.get(key);
    if (function == null) {
      function = new CUfunc_st();
      CudaDriver.check(
          "cuModuleGetFunction " + kernel, cuModuleGetFunction(function, module(image), kernel));
      functions.put(key, function);
    }
    if (dynamicSharedBytes > sharedBytes.getOrDefault(key, WITHOUT_ASKING)) {
      CudaDriver.check(
          "cuFuncSetAttribute",
          cuFuncSetAttribute(function, MAX_DYNAMIC_SHARED_SIZE_BYTES, dynamicSharedBytes));
      sharedBytes.put(key, dynamicSharedBytes);
    }
    return function;
  }

  private CUmod_st module(String image) {
    CUmod_st module = modules.get(image);
    if (module == null) {
      module = new CUmod_st();
      byte[] code = machineCode(image).orElseGet(() -> bundle.ptx(image));
      // The driver reads PTX to its NUL.
      try (BytePointer data = new BytePointer(code.length + 1L)) {
        data.put(code, 0, code.length).put(code.length, (byte) 0);
        CudaDriver.check("cuModuleLoadData " + image, cuModuleLoadData(module, data));
      }
      modules.put(image, module);
    }
    return module;
  }

  /** What was compiled for exactly this device, or for the highest 8.x that it runs. */
  private Optional<byte[]> machineCode(String image) {
    int capability = 10 * context.major() + context.minor();
    if (virtual) {
      return Optional.empty();
    }
    if (capability == 90 || capability == 100 || capability == 120) {
      return bundle.cubin("sm_" + capability + "a", image);
    }
    if (context.major() == 8) {
      for (int target : AMPERE_AND_ADA) {
        if (target <= capability) {
          Optional<byte[]> cubin = bundle.cubin("sm_" + target, image);
          if (cubin.isPresent()) {
            return cubin;
          }
        }
      }
    }
    return Optional.empty();
  }

  @Override
  public synchronized void close() {
    context.bind();
    NativeResource.closeAll(
        modules.values().stream()
            .map(m -> (AutoCloseable) () -> CudaDriver.check("cuModuleUnload", cuModuleUnload(m)))
            .toArray(AutoCloseable[]::new));
    modules.clear();
    functions.clear();
  }
}
