// Element types on the device: conversions between storage and f32, one, two and a 16-byte vector at a time. Plain PTX
// conversions: cuda_fp16.h and its operators would cost more compile time than all else.
#pragma once

#include "common/types.hpp"

namespace d4j {

/// f32 bits rounded to tf32, ties away from zero (cvt.rna), as cuBLAS and PyTorch do.
D4J_DEVICE uint32_t roundToTf32(uint32_t bits) {
    uint32_t rounded;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(__uint_as_float(bits)));
    return rounded;
}

/// Storage of a DType. Storage: the element; pack/unpack/addPairs/ONES: two elements in a 32-bit register (16-bit
/// types only).
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

/// The bits of a 16-bit float in memory.
struct F16 {
    uint16_t bits;
};

struct Bf16 {
    uint16_t bits;
};

template <>
struct Element<DType::F16> {
    using Storage = F16;
    static constexpr uint32_t ONES = 0x3c003c00u;
    static D4J_DEVICE float toFloat(F16 x) {
        float value;
        asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(x.bits));
        return value;
    }
    static D4J_DEVICE F16 fromFloat(float x) {
        F16 value;
        asm("cvt.rn.f16.f32 %0, %1;" : "=h"(value.bits) : "f"(x));
        return value;
    }
    static D4J_DEVICE uint32_t pack(float low, float high) {
        uint32_t bits;
        asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
        return bits;
    }
    static D4J_DEVICE uint32_t addPairs(uint32_t a, uint32_t b) {
        uint32_t sum;
        asm("add.rn.f16x2 %0, %1, %2;" : "=r"(sum) : "r"(a), "r"(b));
        return sum;
    }
    static D4J_DEVICE float2 unpack(uint32_t bits) {
        return make_float2(toFloat({static_cast<uint16_t>(bits)}), toFloat({static_cast<uint16_t>(bits >> 16)}));
    }
};

template <>
struct Element<DType::BF16> {
    using Storage = Bf16;
    static constexpr uint32_t ONES = 0x3f803f80u;
    // bf16 is the upper half of an f32.
    static D4J_DEVICE float toFloat(Bf16 x) { return __uint_as_float(static_cast<uint32_t>(x.bits) << 16); }
    static D4J_DEVICE Bf16 fromFloat(float x) {
        Bf16 value;
        asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(value.bits) : "f"(x));
        return value;
    }
    static D4J_DEVICE uint32_t pack(float low, float high) {
        uint32_t bits;
        asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
        return bits;
    }
    /// As a * 1 + b: sm_80 has no addition of bf16.
    static D4J_DEVICE uint32_t addPairs(uint32_t a, uint32_t b) {
        uint32_t sum;
        asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(sum) : "r"(a), "r"(ONES), "r"(b));
        return sum;
    }
    static D4J_DEVICE float2 unpack(uint32_t bits) {
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
