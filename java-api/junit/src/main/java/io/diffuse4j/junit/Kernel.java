package io.diffuse4j.junit;

import static org.bytedeco.cuda.global.cudart.cuFuncGetParamInfo;
import static org.bytedeco.cuda.global.cudart.cuFuncSetAttribute;
import static org.bytedeco.cuda.global.cudart.cuLaunchKernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;

/** A {@code __global__} function of a {@link KernelModule}. */
public final class Kernel {
  /** CUDA's limit for the parameters of a kernel. */
  private static final int PARAMETER_LIMIT = 1024;

  private static final int MAX_DYNAMIC_SHARED_SIZE_BYTES = 8;
  private static final int WITHOUT_ASKING = 48 * 1024;

  private final CudaCalls calls;
  private final String name;
  private final CUfunc_st function;
  private final List<Integer> parameterBytes;

  Kernel(CudaCalls calls, String name, CUfunc_st function) {
    this.calls = calls;
    this.name = name;
    this.function = function;
    this.parameterBytes = List.copyOf(parameters());
  }

  /** The handle, for calls of the driver API. */
  public CUfunc_st function() {
    return function;
  }

  /** The parameters' sizes, in their order. */
  public List<Integer> parameterBytes() {
    return parameterBytes;
  }

  /**
   * Queues the kernel on the default stream; reading a {@link DeviceArray} waits for it.
   *
   * @param arguments one for each parameter, of its size: Byte, Short, Integer, Long, Float,
   *     Double, or a DeviceArray for a pointer
   * @throws IllegalArgumentException if number or sizes of the arguments are not the kernel's
   * @throws VirtualGpuException if the driver refuses the launch
   */
  public void launch(LaunchShape shape, Object... arguments) {
    launch(null, shape, arguments);
  }

  /** As {@link #launch(LaunchShape, Object...)}, on a stream. */
  public void launch(CUstream_st stream, LaunchShape shape, Object... arguments) {
    if (arguments.length != parameterBytes.size()) {
      throw new IllegalArgumentException(
          "kernel "
              + name
              + " takes "
              + parameterBytes.size()
              + " arguments, not "
              + arguments.length);
    }
    if (shape.sharedBytes() > WITHOUT_ASKING) {
      int result = cuFuncSetAttribute(function, MAX_DYNAMIC_SHARED_SIZE_BYTES, shape.sharedBytes());
      calls.check(result, "cuFuncSetAttribute");
    }
    List<BytePointer> values = new ArrayList<>();
    try (PointerPointer<BytePointer> pointers = new PointerPointer<>(arguments.length + 1L)) {
      for (int i = 0; i < arguments.length; i++) {
        byte[] bytes = bytesOf(arguments[i], i);
        values.add(new BytePointer(bytes));
        pointers.put(i, values.get(i));
      }
      int result =
          cuLaunchKernel(
              function,
              shape.gridX(),
              shape.gridY(),
              shape.gridZ(),
              shape.blockX(),
              shape.blockY(),
              shape.blockZ(),
              shape.sharedBytes(),
              stream,
              pointers,
              null);
      calls.check(result, "cuLaunchKernel");
    } finally {
      values.forEach(BytePointer::close);
    }
  }

  private byte[] bytesOf(Object argument, int index) {
    ByteBuffer buffer = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder());
    if (argument instanceof DeviceArray array) {
      buffer.putLong(array.address());
    } else if (argument instanceof Long value) {
      buffer.putLong(value);
    } else if (argument instanceof Double value) {
      buffer.putDouble(value);
    } else if (argument instanceof Integer value) {
      buffer.putInt(value);
    } else if (argument instanceof Float value) {
      buffer.putFloat(value);
    } else if (argument instanceof Short value) {
      buffer.putShort(value);
    } else if (argument instanceof Byte value) {
      buffer.put(value);
    } else {
      throw new IllegalArgumentException(
          "argument "
              + index
              + " of kernel "
              + name
              + " is "
              + (argument == null ? "null" : "a " + argument.getClass().getSimpleName())
              + ": pass a number or a DeviceArray");
    }
    int wanted = parameterBytes.get(index);
    if (buffer.position() != wanted) {
      throw new IllegalArgumentException(
          "argument "
              + index
              + " of kernel "
              + name
              + " is "
              + buffer.position()
              + " bytes, the parameter "
              + wanted);
    }
    byte[] bytes = new byte[wanted];
    buffer.flip().get(bytes);
    return bytes;
  }

  private List<Integer> parameters() {
    List<Integer> sizes = new ArrayList<>();
    try (SizeTPointer offset = new SizeTPointer(1);
        SizeTPointer size = new SizeTPointer(1)) {
      while (sizes.size() < PARAMETER_LIMIT
          && cuFuncGetParamInfo(function, sizes.size(), offset, size) == 0) {
        sizes.add(Math.toIntExact(size.get()));
      }
    }
    return sizes;
  }
}
