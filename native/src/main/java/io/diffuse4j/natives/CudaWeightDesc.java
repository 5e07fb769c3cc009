package io.diffuse4j.natives;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * How a weight is packed for the CUDA kernels. The fields are those of {@code d4j_cuda_weight_desc}
 * in {@code d4j_cuda.h}.
 */
@Name("d4j_cuda_weight_desc")
@Properties(
    inherit = NativeConfig.class,
    value = @Platform(include = "d4j_cuda.h", library = "jnidiffuse4j"))
public final class CudaWeightDesc extends Pointer {
  static {
    Loader.load();
  }

  /** All fields at the defaults of the C header. */
  public CudaWeightDesc() {
    super((Pointer) null);
    allocate();
  }

  private native void allocate();

  public native int layout();

  public native CudaWeightDesc layout(int value);

  public native int dtype();

  public native CudaWeightDesc dtype(int value);

  public native int outputs();

  public native CudaWeightDesc outputs(int value);

  public native int taps();

  public native CudaWeightDesc taps(int value);

  public native int c0();

  public native CudaWeightDesc c0(int value);

  public native int c1();

  public native CudaWeightDesc c1(int value);

  public native int interleave();

  public native CudaWeightDesc interleave(int value);
}
