package io.diffuse4j.core.cpu;

import io.diffuse4j.core.op.ElementType;
import io.diffuse4j.natives.CpuOps;

/** Our enums as the C ABI numbers them. */
final class CpuTypes {
  private CpuTypes() {}

  static int of(ElementType type) {
    return switch (type) {
      case F32 -> CpuOps.F32;
      case BF16 -> CpuOps.BF16;
      case F16, I32 ->
          throw new IllegalArgumentException("the cpu device does not compute in " + type);
    };
  }
}
