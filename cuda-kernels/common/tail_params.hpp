// What a matrix kernel does behind its own tiles in the same launch. Part of the launch ABI.
//
// A split sum, and a norm that follows, need all of a row or an image: the blocks wait for one another, and then share the
// work afresh. Such a launch is cooperative (all blocks resident together); it saves a launch of its own for each part.
#pragma once

#include "common/tile.hpp"
#include "norm/norm_config.hpp"

namespace d4j {

enum class TailNorm : int32_t { None = 0, Group = 1, Layer = 2 };

struct TailParams {
    uint32_t* barrier;  // see arch/grid_barrier.cuh; null: there is no tail
    int32_t splits;     // 0, or how many partial results of epilogue.partials are added up
    int32_t floats;     // 1: and stored as f32, whatever the kernel's type; then no norm follows
    TailNorm norm;      // of what the epilogue stored, in vectors
    union {
        GroupNormParams group;  // without `progress`; apply.columns at most tailColumns
        LayerNormParams layer;  // at most tailChannels
    };
};

/// Vectors of channels that a block of so many threads normalises side by side.
D4J_HOST_DEVICE constexpr int tailColumns(int threads) { return threads / 2 < kNormColumnsMax ? threads / 2 : kNormColumnsMax; }

/// Channels whose scale and shift fit a kernel's dynamic shared memory.
D4J_HOST_DEVICE constexpr int tailChannels(int sharedBytes) { return sharedBytes / 8; }

}  // namespace d4j
