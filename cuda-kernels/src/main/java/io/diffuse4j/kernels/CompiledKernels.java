package io.diffuse4j.kernels;

import io.diffuse4j.natives.KernelBundle;
import java.util.Optional;

/** {@link KernelImages} as the engine finds them. */
public final class CompiledKernels implements KernelBundle {
  /** For the service loader. */
  public CompiledKernels() {}

  @Override
  public byte[] ptx(String image) {
    return KernelImages.ptx(image);
  }

  @Override
  public Optional<byte[]> cubin(String target, String image) {
    return KernelImages.cubin(target, image);
  }
}
