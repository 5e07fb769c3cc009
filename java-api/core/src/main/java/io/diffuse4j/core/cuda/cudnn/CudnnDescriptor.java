package io.diffuse4j.core.cuda.cudnn;

import static org.bytedeco.cuda.global.cudnn.CUDNN_TYPE_BACKEND_DESCRIPTOR;
import static org.bytedeco.cuda.global.cudnn.CUDNN_TYPE_BOOLEAN;
import static org.bytedeco.cuda.global.cudnn.CUDNN_TYPE_FLOAT;
import static org.bytedeco.cuda.global.cudnn.CUDNN_TYPE_HANDLE;
import static org.bytedeco.cuda.global.cudnn.CUDNN_TYPE_INT64;
import static org.bytedeco.cuda.global.cudnn.CUDNN_TYPE_VOID_PTR;
import static org.bytedeco.cuda.global.cudnn.cudnnBackendCreateDescriptor;
import static org.bytedeco.cuda.global.cudnn.cudnnBackendDestroyDescriptor;
import static org.bytedeco.cuda.global.cudnn.cudnnBackendFinalize;
import static org.bytedeco.cuda.global.cudnn.cudnnBackendGetAttribute;
import static org.bytedeco.cuda.global.cudnn.cudnnBackendSetAttribute;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.cuda.cudnn.cudnnBackendDescriptor_t;
import org.bytedeco.cuda.cudnn.cudnnContext;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/** A descriptor of cuDNN's graph API: attributes are set, then it is finished and used. */
final class CudnnDescriptor implements AutoCloseable {
  private final cudnnBackendDescriptor_t descriptor = new cudnnBackendDescriptor_t();

  /**
   * An empty one.
   *
   * @param type of {@code cudnnBackendDescriptorType_t}
   */
  CudnnDescriptor(int type) {
    CudnnStatus.check(
        "cudnnBackendCreateDescriptor", cudnnBackendCreateDescriptor(type, descriptor));
  }

  cudnnBackendDescriptor_t handle() {
    return descriptor;
  }

  private CudnnDescriptor set(int attribute, int type, long count, Pointer values) {
    CudnnStatus.check(
        "cudnnBackendSetAttribute",
        cudnnBackendSetAttribute(descriptor, attribute, type, count, values));
    return this;
  }

  CudnnDescriptor integers(int attribute, long... values) {
    try (LongPointer memory = new LongPointer(values)) {
      return set(attribute, CUDNN_TYPE_INT64, values.length, memory);
    }
  }

  /**
   * A value of one of cuDNN's enums.
   *
   * @param type of {@code cudnnBackendAttributeType_t}
   */
  CudnnDescriptor choice(int attribute, int type, int value) {
    try (IntPointer memory = new IntPointer(new int[] {value})) {
      return set(attribute, type, 1, memory);
    }
  }

  CudnnDescriptor flag(int attribute, boolean value) {
    try (BytePointer memory = new BytePointer(new byte[] {(byte) (value ? 1 : 0)})) {
      return set(attribute, CUDNN_TYPE_BOOLEAN, 1, memory);
    }
  }

  CudnnDescriptor number(int attribute, float value) {
    try (FloatPointer memory = new FloatPointer(new float[] {value})) {
      return set(attribute, CUDNN_TYPE_FLOAT, 1, memory);
    }
  }

  CudnnDescriptor addresses(int attribute, long... values) {
    try (LongPointer memory = new LongPointer(values)) {
      return set(attribute, CUDNN_TYPE_VOID_PTR, values.length, memory);
    }
  }

  CudnnDescriptor library(int attribute, cudnnContext library) {
    try (PointerPointer<Pointer> memory = new PointerPointer<>(1)) {
      return set(attribute, CUDNN_TYPE_HANDLE, 1, memory.put(0, library));
    }
  }

  CudnnDescriptor descriptors(int attribute, List<CudnnDescriptor> values) {
    try (PointerPointer<Pointer> memory = pointers(values)) {
      return set(attribute, CUDNN_TYPE_BACKEND_DESCRIPTOR, values.size(), memory);
    }
  }

  CudnnDescriptor descriptor(int attribute, CudnnDescriptor value) {
    return descriptors(attribute, List.of(value));
  }

  private static PointerPointer<Pointer> pointers(List<CudnnDescriptor> values) {
    PointerPointer<Pointer> memory = new PointerPointer<>(values.size());
    for (int i = 0; i < values.size(); i++) {
      memory.put(i, values.get(i).descriptor);
    }
    return memory;
  }

  /** After this it is used, and no longer changed. */
  CudnnDescriptor finish() {
    CudnnStatus.check("cudnnBackendFinalize", cudnnBackendFinalize(descriptor));
    return this;
  }

  /** As {@link #finish}; false if cuDNN refuses, as it does what it does not compute. */
  boolean canFinish() {
    return cudnnBackendFinalize(descriptor) == 0;
  }

  long integer(int attribute) {
    try (LongPointer value = new LongPointer(1)) {
      get(attribute, CUDNN_TYPE_INT64, 1, value);
      return value.get();
    }
  }

  /** Values of one of cuDNN's enums, at most {@code most} of them. */
  int[] choices(int attribute, int type, int most) {
    try (IntPointer values = new IntPointer(most)) {
      int[] found = new int[Math.toIntExact(Math.min(most, get(attribute, type, most, values)))];
      values.get(found);
      return found;
    }
  }

  /** Descriptors of a type that this one holds; closed by the caller. */
  List<CudnnDescriptor> descriptors(int attribute, int type) {
    List<CudnnDescriptor> values = new ArrayList<>();
    try {
      long count = get(attribute, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, null);
      for (long i = 0; i < count; i++) {
        values.add(new CudnnDescriptor(type));
      }
      if (count == 0) {
        return values;
      }
      try (PointerPointer<Pointer> memory = pointers(values)) {
        // Fills the descriptors that the array points to.
        long filled = get(attribute, CUDNN_TYPE_BACKEND_DESCRIPTOR, count, memory);
        while (values.size() > filled) {
          values.remove(values.size() - 1).close();
        }
        return values;
      }
    } catch (Throwable t) {
      values.forEach(CudnnDescriptor::close);
      throw t;
    }
  }

  private long get(int attribute, int type, long most, Pointer values) {
    try (LongPointer count = new LongPointer(1)) {
      CudnnStatus.check(
          "cudnnBackendGetAttribute",
          cudnnBackendGetAttribute(descriptor, attribute, type, most, count, values));
      return count.get();
    }
  }

  @Override
  public void close() {
    if (!descriptor.isNull()) {
      cudnnBackendDestroyDescriptor(descriptor);
      descriptor.setNull();
    }
  }
}
