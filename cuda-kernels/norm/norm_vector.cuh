// Loads and stores of VECTOR consecutive elements as f32: 16 bytes, or one element.
#pragma once

#include "common/dtype.cuh"

namespace d4j {

template <DType TYPE, int VECTOR>
D4J_DEVICE void loadVector(float (&x)[VECTOR], const void* base, int64_t index) {
    const auto* from = static_cast<const typename Element<TYPE>::Storage*>(base) + index;
    if constexpr (VECTOR == 1) {
        x[0] = Element<TYPE>::toFloat(*from);
    } else {
        unpackVector<TYPE>(x, *reinterpret_cast<const uint4*>(from));
    }
}

template <DType TYPE, int VECTOR>
D4J_DEVICE void storeVector(void* base, int64_t index, const float (&x)[VECTOR]) {
    auto* to = static_cast<typename Element<TYPE>::Storage*>(base) + index;
    if constexpr (VECTOR == 1) {
        *to = Element<TYPE>::fromFloat(x[0]);
    } else {
        *reinterpret_cast<uint4*>(to) = packVector<TYPE>(x);
    }
}

/// Per-channel parameters in shared memory, so that a warp that reads them a vector a lane has no bank conflicts: all
/// first halves of the vectors, then all second ones (a plane is float4s side by side). Those that write them a channel
/// a lane touch 4 vectors of both planes: the second plane's are exchanged by fours, if else they met in the same banks.
template <int VECTOR>
struct ChannelParameters {
    static constexpr int PLANES = VECTOR == 1 ? 1 : VECTOR / 4;
    static constexpr int WIDTH = VECTOR / PLANES;

    static D4J_DEVICE int index(int channel, int vectors) {
        return place((channel % VECTOR) / WIDTH, channel / VECTOR, vectors) * WIDTH + channel % WIDTH;
    }

    static D4J_DEVICE int place(int plane, int vector, int vectors) {
        return plane * vectors + (vectors % 8 == 0 ? vector ^ (plane * 4) : vector);
    }

    static D4J_DEVICE void load(float (&x)[VECTOR], const float* parameters, int vector, int vectors) {
#pragma unroll
        for (int plane = 0; plane < PLANES; ++plane) {
            const float* from = parameters + place(plane, vector, vectors) * WIDTH;
            if constexpr (VECTOR == 1) {
                x[0] = *from;
            } else {
                const float4 quarter = *reinterpret_cast<const float4*>(from);
                x[4 * plane] = quarter.x;
                x[4 * plane + 1] = quarter.y;
                x[4 * plane + 2] = quarter.z;
                x[4 * plane + 3] = quarter.w;
            }
        }
    }
};

}  // namespace d4j
