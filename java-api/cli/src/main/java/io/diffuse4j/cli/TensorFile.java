package io.diffuse4j.cli;

import io.diffuse4j.weights.HostTensor;
import io.diffuse4j.weights.SafetensorsFile;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** A safetensors file that a command reads; what is wrong with it is a {@link FailureException}. */
final class TensorFile implements AutoCloseable {
  private final SafetensorsFile file;

  TensorFile(Path path) {
    this.file = SafetensorsFile.open(path);
  }

  /** Whether there is such a tensor. */
  boolean has(String name) {
    return file.has(name);
  }

  /**
   * A tensor, which may be used after {@link #close()}.
   *
   * @throws io.diffuse4j.weights.InvalidModelException if there is no such tensor
   */
  HostTensor tensor(String name) {
    return file.get(name);
  }

  /** All tensors whose names start with {@code prefix}, by the rest of their names. */
  Map<String, HostTensor> withPrefix(String prefix) {
    Map<String, HostTensor> found = new LinkedHashMap<>();
    for (String name : file.names()) {
      if (name.startsWith(prefix)) {
        found.put(name.substring(prefix.length()), file.get(name));
      }
    }
    return found;
  }

  /**
   * The shape of a tensor of images: [n, c, h, w], every extent positive.
   *
   * @throws FailureException if it has another rank or is empty
   */
  long[] imageShape(String name) {
    long[] shape = file.get(name).shape();
    if (shape.length != 4 || Arrays.stream(shape).anyMatch(extent -> extent < 1)) {
      throw invalid(name, "is " + Arrays.toString(shape) + "; it must be [n, c, h, w]");
    }
    return shape;
  }

  /**
   * A tensor's values.
   *
   * @throws FailureException if it is not of a float type, has another shape or holds what is not
   *     finite
   */
  float[] finite(String name, long[] shape) {
    HostTensor tensor = file.get(name);
    if (!tensor.dtype().isFloat()) {
      throw invalid(name, "is " + tensor.dtype() + "; it must be of a float type");
    }
    if (!Arrays.equals(tensor.shape(), shape)) {
      throw invalid(
          name, "is " + Arrays.toString(tensor.shape()) + "; it must be " + Arrays.toString(shape));
    }
    float[] values = tensor.toFloats();
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw invalid(name, "holds " + values[i] + " at element " + i);
      }
    }
    return values;
  }

  /** The error that a tensor is not usable. */
  FailureException invalid(String name, String problem) {
    return new FailureException(file.origin() + ": tensor " + name + " " + problem);
  }

  /** The error that the file does not hold what is needed. */
  FailureException unfit(String problem) {
    return new FailureException(file.origin() + ": " + problem);
  }

  @Override
  public void close() {
    file.close();
  }
}
