// What the attention kernels share of the softmax.
#pragma once

#include "common/types.hpp"

namespace d4j {

/// A score that no query sees: 2^-inf is 0.
D4J_DEVICE float unseen() { return __int_as_float(static_cast<int>(0xff800000u)); }

/// 2^x, 2 ulp; results below 2^-126 are 0.
D4J_DEVICE float exp2Approx(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

}  // namespace d4j
