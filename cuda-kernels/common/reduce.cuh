// Reductions in a fixed order: the same bits on every run and every schedule. No atomics.
#pragma once

#include "common/types.hpp"

namespace d4j {

constexpr int kWarp = 32;
constexpr uint32_t kAllLanes = 0xffffffffu;

struct Sum {
    D4J_DEVICE float operator()(float a, float b) const { return a + b; }
};

/// Over groups of WIDTH neighbouring lanes (a power of two); every lane gets the result. The butterfly adds the same
/// two numbers on both sides of each pair, so all lanes hold the same bits.
template <class Operation, int WIDTH = kWarp>
D4J_DEVICE float warpReduce(float x, Operation operation = {}) {
#pragma unroll
    for (int distance = WIDTH / 2; distance > 0; distance /= 2) {
        x = operation(x, __shfl_xor_sync(kAllLanes, x, distance));
    }
    return x;
}

}  // namespace d4j
