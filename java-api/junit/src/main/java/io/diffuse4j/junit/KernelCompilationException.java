package io.diffuse4j.junit;

/** CUDA C++ that NVRTC does not compile; the message is its log. */
public final class KernelCompilationException extends RuntimeException {
  private static final long serialVersionUID = 1;

  KernelCompilationException(String log) {
    super(log);
  }
}
