package io.diffuse4j.core.cuda;

import io.diffuse4j.core.device.DType;
import io.diffuse4j.core.op.ElementType;
import io.diffuse4j.natives.CpuOps;
import io.diffuse4j.natives.CudaOps;

/** Our enums as the C ABI numbers them. */
final class CudaTypes {
  private CudaTypes() {}

  static int of(ElementType type) {
    return switch (type) {
      case F32 -> CpuOps.F32;
      case F16 -> CpuOps.F16;
      case BF16 -> CpuOps.BF16;
      case I32 -> throw new IllegalArgumentException("nothing is computed in " + type);
    };
  }

  static int of(DType dtype) {
    return switch (dtype) {
      case F32 -> CpuOps.F32;
      case F16 -> CpuOps.F16;
      case BF16 -> CpuOps.BF16;
      case TF32 -> CudaOps.TF32;
    };
  }

  /** What values of a type are multiplied in, in a model that computes in {@code dtype}. */
  static DType multiplied(DType dtype, ElementType type) {
    return switch (type) {
      case F16 -> DType.F16;
      case BF16 -> DType.BF16;
      case F32, I32 -> dtype == DType.TF32 ? DType.TF32 : DType.F32;
    };
  }
}
