// What the kernels (NVRTC) and the host (g++) share: integer names, function qualifiers, element types.
// NVRTC has no <cstdint>; these are the types that cuda_fp16.h and CCCL declare for it as well.
#pragma once

#if defined(__CUDACC_RTC__)
using int8_t = signed char;
using uint8_t = unsigned char;
using int16_t = short;
using uint16_t = unsigned short;
using int32_t = int;
using uint32_t = unsigned int;
using int64_t = long long;
using uint64_t = unsigned long long;
#else
#include <cstdint>
#endif

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define D4J_HOST_DEVICE __host__ __device__
#define D4J_DEVICE __device__ __forceinline__
#else
#define D4J_HOST_DEVICE
#endif

namespace d4j {

/// How a tensor's elements are stored and multiplied. Accumulation is always f32.
enum class DType : int32_t {
    F32 = 0,   // stored f32, multiplied in f32
    F16 = 1,
    BF16 = 2,
    TF32 = 3,  // stored f32, multiplied on tensor cores with 10 mantissa bits
};

D4J_HOST_DEVICE constexpr int bytesOf(DType type) {
    return type == DType::F16 || type == DType::BF16 ? 2 : 4;
}

/// Applied last, after scale. The numbers are those of d4j_activation.
enum class Activation : int32_t {
    None = 0,
    Silu = 1,       // x * sigmoid(x)
    GeluErf = 2,    // x * Phi(x)
    GeluTanh = 3,   // the tanh approximation of it
    QuickGelu = 4,  // x * sigmoid(1.702 x)
    Geglu = 5,      // of column pairs (2j, 2j + 1): x[2j] * gelu_erf(x[2j + 1]); the output has half the columns
};

D4J_HOST_DEVICE constexpr int ceilDiv(int a, int b) { return (a + b - 1) / b; }

}  // namespace d4j
