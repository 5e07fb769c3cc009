package io.diffuse4j.core.cuda.cudnn;

import static org.bytedeco.cuda.global.cudnn.CUDNN_DATA_BFLOAT16;
import static org.bytedeco.cuda.global.cudnn.CUDNN_DATA_FLOAT;
import static org.bytedeco.cuda.global.cudnn.CUDNN_DATA_HALF;

import io.diffuse4j.core.op.ElementType;

/** Our enums as cuDNN numbers them. */
final class CudnnTypes {
  private CudnnTypes() {}

  /** Of {@code cudnnDataType_t}. */
  static int of(ElementType type) {
    return switch (type) {
      case F32 -> CUDNN_DATA_FLOAT;
      case F16 -> CUDNN_DATA_HALF;
      case BF16 -> CUDNN_DATA_BFLOAT16;
      case I32 -> throw new IllegalArgumentException("nothing is computed in " + type);
    };
  }
}
