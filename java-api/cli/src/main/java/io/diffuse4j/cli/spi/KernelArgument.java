package io.diffuse4j.cli.spi;

import io.diffuse4j.weights.HostTensor;
import io.diffuse4j.weights.TensorDType;
import java.util.List;

/** An argument of a kernel. */
public sealed interface KernelArgument {
  /** How the user wrote it. */
  String text();

  /**
   * A number.
   *
   * @param value a Byte, Short, Integer, Long, Float or Double, of the parameter's size
   */
  record Scalar(String text, Number value) implements KernelArgument {}

  /**
   * The address of a tensor's copy in device memory.
   *
   * @param isOutput whether the copy is read back after the launch
   */
  record Input(String text, HostTensor tensor, boolean isOutput) implements KernelArgument {}

  /**
   * The address of device memory that nothing has written yet, read back after the launch.
   *
   * @param bytes its size, which dtype and shape give
   */
  record Output(String text, TensorDType dtype, List<Long> shape, int bytes)
      implements KernelArgument {}
}
