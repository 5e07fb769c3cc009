package io.diffuse4j.core.op;

/** Device memory that its owner closes; never freed by garbage collection. */
public interface DeviceBuffer extends AutoCloseable {
  long address();

  long bytes();

  /** Copies host floats to {@code byteOffset}. */
  void upload(long byteOffset, float[] source, int from, int count);

  void upload(long byteOffset, int[] source, int from, int count);

  void upload(long byteOffset, short[] source, int from, int count);

  void download(long byteOffset, float[] target, int from, int count);

  @Override
  void close();
}
