package io.diffuse4j.natives;

import java.util.Optional;

/**
 * The compiled CUDA kernels, as a service: the artifact that holds them is an addition that only
 * applications with a GPU need. Implementations are stateless.
 */
public interface KernelBundle {

  /**
   * The PTX of an image for compute_80, which every GPU from compute capability 8.0 on can take.
   *
   * @param image the source's name without folder and ending, such as {@code conv_fprop}
   * @return the text as bytes, without a terminating NUL
   * @throws java.util.NoSuchElementException if there is no such image
   */
  byte[] ptx(String image);

  /**
   * The machine code of an image.
   *
   * @param target such as {@code sm_90a}
   * @return empty if it was not compiled for the target
   */
  Optional<byte[]> cubin(String target, String image);
}
