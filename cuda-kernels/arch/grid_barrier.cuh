// A barrier of all blocks of a cooperative launch of one dimension, which are all resident.
#pragma once

#include "arch/atomics.cuh"

namespace d4j {

constexpr uint32_t kBarrierPhase = 0x80000000u;

/// What any block wrote before it, all blocks see after it. `word` is 0 before its first use; its top bit turns with each
/// barrier and the others come back to 0, so that launches of any size can share it, one after the other.
D4J_DEVICE void gridBarrier(uint32_t* word) {
    __syncthreads();
    if (threadIdx.x == 0) {
        // All arrivals together add the top bit.
        const uint32_t others = gridDim.x - 1;
        __threadfence();
        const uint32_t before = atomicAdd(word, blockIdx.x == 0 ? kBarrierPhase - others : 1u);
        while (((before ^ loadAcquire(word)) & kBarrierPhase) == 0) __nanosleep(32);
    }
    __syncthreads();
}

}  // namespace d4j
