// Global-memory accesses of a stated width. Through a pointer, the compiler may take a vector apart, for example where
// the other side of a branch stores its parts one by one.
#pragma once

#include "common/types.hpp"

namespace d4j {

/// 16 bytes at an address that is a multiple of 16.
D4J_DEVICE void storeGlobal4(void* address, float4 x) {
    asm volatile("st.global.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(address)), "f"(x.x), "f"(x.y),
                 "f"(x.z), "f"(x.w)
                 : "memory");
}

}  // namespace d4j
