package io.diffuse4j.core.op;

import io.diffuse4j.natives.CpuOps;
import io.diffuse4j.weights.HostTensor;
import io.diffuse4j.weights.TensorSource;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * The tensors that make up a {@link Weight}, as native code reads them: where they lie, in one
 * dtype.
 */
public final class PublishedTensors implements AutoCloseable {
  private static final int OTHER = -1;

  private final List<Pointer> pointers = new ArrayList<>();
  private final long[] addresses;
  private final long[] firstDims;
  private final int dtype;

  public PublishedTensors(Weight weight, TensorSource source) {
    int count = weight.names().size();
    addresses = new long[count];
    firstDims = new long[count];
    int common = nativeType(source.get(weight.names().get(0)));
    for (int i = 0; i < count; i++) {
      firstDims[i] = weight.outputs().get(i);
      // A stack has one type: tensors of another go through f32, as integers and f8 do.
      if (nativeType(source.get(weight.names().get(i))) != common) {
        common = OTHER;
      }
    }
    dtype = common == OTHER ? CpuOps.F32 : common;
    try {
      for (int i = 0; i < count; i++) {
        Pointer pointer = pointer(source.get(weight.names().get(i)), common == OTHER);
        pointers.add(pointer);
        addresses[i] = pointer.address();
      }
    } catch (Throwable t) {
      close();
      throw t;
    }
  }

  private static int nativeType(HostTensor tensor) {
    return switch (tensor.dtype()) {
      case F32 -> CpuOps.F32;
      case F16 -> CpuOps.F16;
      case BF16 -> CpuOps.BF16;
      default -> OTHER;
    };
  }

  private static Pointer pointer(HostTensor tensor, boolean convert) {
    ByteBuffer bytes = tensor.bytes();
    if (convert || !bytes.isDirect()) {
      return new FloatPointer(tensor.toFloats());
    }
    return new BytePointer(bytes);
  }

  public int count() {
    return addresses.length;
  }

  public long[] addresses() {
    return addresses;
  }

  /** The size of each along its first dimension. */
  public long[] firstDims() {
    return firstDims;
  }

  /** Of {@code d4j_dtype}. */
  public int dtype() {
    return dtype;
  }

  @Override
  public void close() {
    pointers.forEach(Pointer::close);
    pointers.clear();
  }
}
