package io.diffuse4j.junit;

import io.diffuse4j.natives.VirtualGpuDriver;

/** The one place where a CUresult becomes an exception. */
final class CudaCalls {
  private final VirtualGpuDriver driver;

  CudaCalls(VirtualGpuDriver driver) {
    this.driver = driver;
  }

  /** Throws if {@code result} is not 0, with the driver's explanation. */
  void check(int result, String call) {
    if (result != 0) {
      throw new VirtualGpuException(call, result, driver.lastMessage());
    }
  }

  /** For calls that allocate or free: findings then know the allocation by {@code label}. */
  void labelled(String label, Runnable call) {
    driver.labelCaller(label);
    try {
      call.run();
    } finally {
      driver.labelCaller("");
    }
  }

  /** The nearest caller outside this package's own classes: {@code Class.method(File.java:12)}. */
  static String caller() {
    return StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE)
        .walk(
            frames ->
                frames
                    .filter(f -> !isOurs(f.getDeclaringClass()))
                    .findFirst()
                    .map(f -> f.toStackTraceElement().toString())
                    .orElse("Java"));
  }

  private static boolean isOurs(Class<?> frame) {
    Class<?> outermost = frame.getNestHost();
    return outermost == CudaCalls.class
        || outermost == VirtualGpu.class
        || outermost == DeviceArray.class;
  }
}
