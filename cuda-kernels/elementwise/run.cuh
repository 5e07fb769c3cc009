// Runs of 4 or 8 consecutive elements as f32 in registers.
#pragma once

#include "common/dtype.cuh"
#include "elementwise/elementwise_params.hpp"

namespace d4j {

template <DType TYPE>
using Stored = typename Element<TYPE>::Storage;

/// `length` elements and then zeros, or 8- or 16-byte loads of all RUN.
template <DType TYPE, int RUN>
D4J_DEVICE void loadRun(float (&x)[RUN], const void* base, int64_t index, int length, bool aligned) {
    const auto* from = static_cast<const Stored<TYPE>*>(base) + index;
    if (aligned) {
        if constexpr (bytesOf(TYPE) == 4) {
#pragma unroll
            for (int i = 0; i < RUN; i += 4) {
                const float4 part = *reinterpret_cast<const float4*>(from + i);
                x[i] = part.x;
                x[i + 1] = part.y;
                x[i + 2] = part.z;
                x[i + 3] = part.w;
            }
        } else if constexpr (RUN == 8) {
            unpackVector<TYPE>(x, *reinterpret_cast<const uint4*>(from));
        } else {
            const uint2 pairs = *reinterpret_cast<const uint2*>(from);
            const float2 low = Element<TYPE>::unpack(pairs.x), high = Element<TYPE>::unpack(pairs.y);
            x[0] = low.x;
            x[1] = low.y;
            x[2] = high.x;
            x[3] = high.y;
        }
    } else {
#pragma unroll
        for (int i = 0; i < RUN; ++i) {
            x[i] = i < length ? Element<TYPE>::toFloat(from[i]) : 0.0f;
        }
    }
}

template <DType TYPE, int RUN>
D4J_DEVICE void storeRun(void* base, int64_t index, const float (&x)[RUN], int length, bool aligned) {
    auto* to = static_cast<Stored<TYPE>*>(base) + index;
    if (aligned) {
        if constexpr (bytesOf(TYPE) == 4) {
#pragma unroll
            for (int i = 0; i < RUN; i += 4) {
                *reinterpret_cast<float4*>(to + i) = make_float4(x[i], x[i + 1], x[i + 2], x[i + 3]);
            }
        } else if constexpr (RUN == 8) {
            *reinterpret_cast<uint4*>(to) = packVector<TYPE>(x);
        } else {
            *reinterpret_cast<uint2*>(to) =
                make_uint2(Element<TYPE>::pack(x[0], x[1]), Element<TYPE>::pack(x[2], x[3]));
        }
    } else {
#pragma unroll
        for (int i = 0; i < RUN; ++i) {
            if (i < length) to[i] = Element<TYPE>::fromFloat(x[i]);
        }
    }
}

D4J_DEVICE int64_t itemOfThread() { return static_cast<int64_t>(blockIdx.x) * kElementwiseThreads + threadIdx.x; }

}  // namespace d4j
