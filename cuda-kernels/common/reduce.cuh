// Reductions in a fixed order: the same bits on every run and every schedule. No atomics.
#pragma once

#include "common/types.hpp"

namespace d4j {

constexpr int kWarp = 32;
constexpr uint32_t kAllLanes = 0xffffffffu;

struct Sum {
    D4J_DEVICE float operator()(float a, float b) const { return a + b; }
};

struct Max {
    D4J_DEVICE float operator()(float a, float b) const { return fmaxf(a, b); }
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

/// Over a block of THREADS threads (a multiple of 32); every thread gets the result. `scratch` holds THREADS / 32 floats
/// and may be used again only after a further barrier.
template <class Operation, int THREADS>
D4J_DEVICE float blockReduce(float x, float* scratch, Operation operation = {}) {
    constexpr int warps = THREADS / kWarp;
    static_assert(THREADS % kWarp == 0 && warps >= 1 && warps <= kWarp, "whole warps, at most 32");
    x = warpReduce<Operation>(x, operation);
    if constexpr (warps == 1) {
        return x;
    }
    if (threadIdx.x % kWarp == 0) {
        scratch[threadIdx.x / kWarp] = x;
    }
    __syncthreads();
    float total = scratch[0];
#pragma unroll
    for (int i = 1; i < warps; ++i) {
        total = operation(total, scratch[i]);
    }
    return total;
}

}  // namespace d4j
