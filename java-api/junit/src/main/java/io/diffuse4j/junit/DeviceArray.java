package io.diffuse4j.junit;

import static org.bytedeco.cuda.global.cudart.cuMemAlloc;
import static org.bytedeco.cuda.global.cudart.cuMemFree;
import static org.bytedeco.cuda.global.cudart.cuMemcpyDtoH;
import static org.bytedeco.cuda.global.cudart.cuMemcpyHtoD;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.ShortPointer;

/**
 * An array in the virtual GPU's memory. Passed to a kernel it is its address. Freed with its {@link
 * VirtualGpu} at the latest. Not thread-safe.
 */
public final class DeviceArray implements AutoCloseable {
  private final CudaCalls calls;
  private final long address;
  private final long bytes;
  private boolean closed;

  DeviceArray(CudaCalls calls, long bytes) {
    this(calls, bytes, CudaCalls.caller());
  }

  DeviceArray(CudaCalls calls, long bytes, String origin) {
    if (bytes <= 0) {
      throw new IllegalArgumentException("a device array has at least one byte, not " + bytes);
    }
    this.calls = calls;
    this.bytes = bytes;
    long[] allocated = new long[1];
    calls.labelled(origin, () -> calls.check(cuMemAlloc(allocated, bytes), "cuMemAlloc"));
    this.address = allocated[0];
  }

  /** The device address. */
  public long address() {
    return address;
  }

  /** The size in bytes. */
  public long bytes() {
    return bytes;
  }

  /** Overwrites the beginning of the array. */
  public DeviceArray set(float... values) {
    try (FloatPointer host = new FloatPointer(values)) {
      return upload(host, 4L * values.length);
    }
  }

  /** Overwrites the beginning of the array. */
  public DeviceArray set(double... values) {
    try (DoublePointer host = new DoublePointer(values)) {
      return upload(host, 8L * values.length);
    }
  }

  /** Overwrites the beginning of the array. */
  public DeviceArray set(int... values) {
    try (IntPointer host = new IntPointer(values)) {
      return upload(host, 4L * values.length);
    }
  }

  /** Overwrites the beginning of the array. */
  public DeviceArray set(long... values) {
    try (LongPointer host = new LongPointer(values)) {
      return upload(host, 8L * values.length);
    }
  }

  /** Overwrites the beginning of the array. */
  public DeviceArray set(short... values) {
    try (ShortPointer host = new ShortPointer(values)) {
      return upload(host, 2L * values.length);
    }
  }

  /** Overwrites the beginning of the array. */
  public DeviceArray set(byte... values) {
    try (BytePointer host = new BytePointer(values)) {
      return upload(host, values.length);
    }
  }

  /** Overwrites the beginning of the array with {@code __half} values, rounded to nearest even. */
  public DeviceArray setHalves(float... values) {
    short[] halves = new short[values.length];
    for (int i = 0; i < values.length; i++) {
      halves[i] = HalfFloat.fromFloat(values[i]);
    }
    return set(halves);
  }

  /** The whole array. */
  public float[] toFloats() {
    float[] values = new float[count(4)];
    try (FloatPointer host = new FloatPointer(values.length)) {
      download(host);
      host.get(values);
    }
    return values;
  }

  /** The whole array. */
  public double[] toDoubles() {
    double[] values = new double[count(8)];
    try (DoublePointer host = new DoublePointer(values.length)) {
      download(host);
      host.get(values);
    }
    return values;
  }

  /** The whole array. */
  public int[] toInts() {
    int[] values = new int[count(4)];
    try (IntPointer host = new IntPointer(values.length)) {
      download(host);
      host.get(values);
    }
    return values;
  }

  /** The whole array. */
  public long[] toLongs() {
    long[] values = new long[count(8)];
    try (LongPointer host = new LongPointer(values.length)) {
      download(host);
      host.get(values);
    }
    return values;
  }

  /** The whole array. */
  public byte[] toBytes() {
    byte[] values = new byte[count(1)];
    try (BytePointer host = new BytePointer(values.length)) {
      download(host);
      host.get(values);
    }
    return values;
  }

  /** The whole array, {@code __half} values as floats. */
  public float[] toHalves() {
    short[] halves = new short[count(2)];
    try (ShortPointer host = new ShortPointer(halves.length)) {
      download(host);
      host.get(halves);
    }
    float[] values = new float[halves.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = HalfFloat.toFloat(halves[i]);
    }
    return values;
  }

  /** Frees the memory, after the work that is queued; idempotent. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      calls.labelled(CudaCalls.caller(), () -> calls.check(cuMemFree(address), "cuMemFree"));
    }
  }

  private DeviceArray upload(Pointer host, long size) {
    requireOpen();
    if (size > bytes) {
      throw new IllegalArgumentException(
          size + " bytes do not fit into a device array of " + bytes);
    }
    if (size > 0) {
      calls.check(cuMemcpyHtoD(address, host, size), "cuMemcpyHtoD");
    }
    return this;
  }

  private void download(Pointer host) {
    requireOpen();
    calls.check(cuMemcpyDtoH(host, address, bytes), "cuMemcpyDtoH");
  }

  private int count(int elementBytes) {
    if (bytes % elementBytes != 0) {
      throw new IllegalStateException(
          bytes + " bytes are no whole number of elements of " + elementBytes + " bytes");
    }
    return Math.toIntExact(bytes / elementBytes);
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the device array is closed");
    }
  }
}
