// Loads from and stores to global memory of four neighbouring elements as f32: at once where addresses allow it, else one
// by one.
#pragma once

#include "arch/global_memory.cuh"
#include "common/dtype.cuh"

namespace d4j {

/// Four neighbouring elements at `pointer`, of which the first `count` exist.
template <DType TYPE>
D4J_DEVICE void loadFour(float (&x)[4], const void* pointer, bool vectors, int count) {
    using Storage = typename Element<TYPE>::Storage;
    if (vectors) {
        if constexpr (bytesOf(TYPE) == 4) {
            const float4 bits = *static_cast<const float4*>(pointer);
            x[0] = bits.x, x[1] = bits.y, x[2] = bits.z, x[3] = bits.w;
        } else {
            const uint2 bits = *static_cast<const uint2*>(pointer);
            const float2 low = Element<TYPE>::unpack(bits.x), high = Element<TYPE>::unpack(bits.y);
            x[0] = low.x, x[1] = low.y, x[2] = high.x, x[3] = high.y;
        }
        return;
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        x[i] = i < count ? Element<TYPE>::toFloat(static_cast<const Storage*>(pointer)[i]) : 0.0f;
    }
}

template <DType TYPE>
D4J_DEVICE void storeFour(void* pointer, const float (&x)[4], bool vectors, int count) {
    using Storage = typename Element<TYPE>::Storage;
    if (vectors) {
        if constexpr (bytesOf(TYPE) == 4) {
            storeGlobal4(pointer, make_float4(x[0], x[1], x[2], x[3]));
        } else {
            *static_cast<uint2*>(pointer) =
                make_uint2(Element<TYPE>::pack(x[0], x[1]), Element<TYPE>::pack(x[2], x[3]));
        }
        return;
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        if (i < count) {
            static_cast<Storage*>(pointer)[i] = Element<TYPE>::fromFloat(x[i]);
        }
    }
}

}  // namespace d4j
