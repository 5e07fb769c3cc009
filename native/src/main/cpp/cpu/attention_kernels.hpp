// The table of attention kernels; one per instruction set.
#pragma once

#include <cstdint>

namespace d4j {

// A tile: some queries of one head of one sample against its keys.
struct AttentionTile {
    const void *q, *k, *v;  // the tile's first query; the head's first key and value
    void* dst;
    std::int64_t q_stride, k_stride, v_stride, dst_stride;  // elements
    int head_dim;
    int queries;      // 1..AttentionKernels::queries
    int first_query;  // its index, for the causal mask
    int keys;
    bool causal;
    float scale;
    float* scratch;
};

struct AttentionKernels {
    // The queries of a full tile.
    int queries;
    // Floats of scratch for a tile.
    std::int64_t (*scratch)(int head_dim);
    void (*run)(int dtype, const AttentionTile& tile);
};

extern const AttentionKernels attention_baseline, attention_avx2, attention_avx512, attention_avx512bf16;

}  // namespace d4j
