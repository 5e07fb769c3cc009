// Loads that order what follows them, for blocks that wait for one another (PTX ISA, "Memory Consistency Model").
#pragma once

#include "common/types.hpp"

namespace d4j {

/// What was written before the value's release, in any block of the device, is visible after this.
D4J_DEVICE uint32_t loadAcquire(const uint32_t* address) {
    uint32_t x;
    asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(x) : "l"(address) : "memory");
    return x;
}

}  // namespace d4j
