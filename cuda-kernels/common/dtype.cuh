// Element types on the device: conversions between storage and f32, one, two and a 16-byte vector at a time.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "common/types.hpp"

namespace d4j {

/// f32 bits rounded to tf32, ties away from zero (cvt.rna), as cuBLAS and PyTorch do.
D4J_DEVICE uint32_t roundToTf32(uint32_t bits) {
    uint32_t rounded;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(__uint_as_float(bits)));
    return rounded;
}

/// Storage of a DType. Storage: the element; pack/unpack: two elements in a 32-bit register (16-bit types only).
template <DType TYPE>
struct Element;

template <>
struct Element<DType::F32> {
    using Storage = float;
    static D4J_DEVICE float toFloat(float x) { return x; }
    static D4J_DEVICE float fromFloat(float x) { return x; }
};

template <>
struct Element<DType::TF32> : Element<DType::F32> {};

template <>
struct Element<DType::F16> {
    using Storage = __half;
    static D4J_DEVICE float toFloat(__half x) { return __half2float(x); }
    static D4J_DEVICE __half fromFloat(float x) { return __float2half_rn(x); }
    static D4J_DEVICE uint32_t pack(float low, float high) {
        uint32_t bits;
        asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
        return bits;
    }
    static D4J_DEVICE float2 unpack(uint32_t bits) { return __half22float2(*reinterpret_cast<__half2*>(&bits)); }
};

template <>
struct Element<DType::BF16> {
    using Storage = __nv_bfloat16;
    static D4J_DEVICE float toFloat(__nv_bfloat16 x) { return __bfloat162float(x); }
    static D4J_DEVICE __nv_bfloat16 fromFloat(float x) { return __float2bfloat16_rn(x); }
    static D4J_DEVICE uint32_t pack(float low, float high) {
        uint32_t bits;
        asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
        return bits;
    }
    static D4J_DEVICE float2 unpack(uint32_t bits) {
        // bf16 is the upper half of an f32.
        return make_float2(__uint_as_float(bits << 16), __uint_as_float(bits & 0xffff0000u));
    }
};

/// Elements in a 16-byte vector.
template <DType TYPE>
constexpr int kVector = 16 / bytesOf(TYPE);

/// 16 bytes as f32 values and back. `uint4` is one 128-bit access.
template <DType TYPE>
D4J_DEVICE void unpackVector(float (&x)[kVector<TYPE>], uint4 bits) {
    const uint32_t words[4] = {bits.x, bits.y, bits.z, bits.w};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        if constexpr (bytesOf(TYPE) == 2) {
            const float2 pair = Element<TYPE>::unpack(words[i]);
            x[2 * i] = pair.x;
            x[2 * i + 1] = pair.y;
        } else {
            x[i] = __uint_as_float(words[i]);
        }
    }
}

template <DType TYPE>
D4J_DEVICE uint4 packVector(const float (&x)[kVector<TYPE>]) {
    uint32_t words[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        if constexpr (bytesOf(TYPE) == 2) {
            words[i] = Element<TYPE>::pack(x[2 * i], x[2 * i + 1]);
        } else {
            words[i] = __float_as_uint(x[i]);
        }
    }
    return make_uint4(words[0], words[1], words[2], words[3]);
}

}  // namespace d4j
