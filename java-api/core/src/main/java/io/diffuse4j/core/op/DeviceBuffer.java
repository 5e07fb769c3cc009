package io.diffuse4j.core.op;

/** Device memory that its owner closes; never freed by garbage collection. */
public interface DeviceBuffer extends AutoCloseable {
  long address();

  long bytes();

  /**
   * The address of elements that lie in the buffer.
   *
   * @throws IndexOutOfBoundsException if they do not
   */
  default long at(long byteOffset, long count, int elementBytes) {
    if (byteOffset < 0 || count < 0 || byteOffset + count * elementBytes > bytes()) {
      throw new IndexOutOfBoundsException(
          count + " elements at byte " + byteOffset + " of a buffer of " + bytes());
    }
    return address() + byteOffset;
  }

  /** Copies host floats to {@code byteOffset}. */
  void upload(long byteOffset, float[] source, int from, int count);

  void upload(long byteOffset, int[] source, int from, int count);

  void upload(long byteOffset, short[] source, int from, int count);

  void download(long byteOffset, float[] target, int from, int count);

  @Override
  void close();
}
