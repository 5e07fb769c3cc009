// Special registers, read where they are used: the compiler would keep threadIdx in a register, of which kernels with
// large accumulators have none to spare.
#pragma once

#include "common/types.hpp"

namespace d4j {

D4J_DEVICE int threadIndex() {
    int x;
    asm volatile("mov.u32 %0, %%tid.x;" : "=r"(x));
    return x;
}

}  // namespace d4j
