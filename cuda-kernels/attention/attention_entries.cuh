// The entries of attention on tensor cores: one per row of kAttentionTiles, named by the element type and the width of its
// head.
#pragma once

#include "attention/attention_mma.cuh"
#include "attention/attention_wide.cuh"

namespace d4j {

template <DType TYPE, int TILE>
D4J_DEVICE void attentionOf(const AttentionParams& p) {
    if constexpr (kAttentionTiles[TILE].split == 1) {
        attention<TYPE, TILE>(p);
    } else {
        attentionWide<TYPE, TILE>(p);
    }
}

}  // namespace d4j

#define D4J_ATTENTION(TYPE, NAME, TILE, HEAD_DIM)                                                                \
    static_assert(d4j::kAttentionTiles[TILE].headDim == HEAD_DIM, "the name says which head the tile is for");   \
    extern "C" __global__ void __launch_bounds__(d4j::kAttentionTiles[TILE].warps * 32,                          \
                                                 d4j::kAttentionTiles[TILE].blocksPerSm)                         \
        attention_##NAME##_d##HEAD_DIM(const __grid_constant__ d4j::AttentionParams p) {                         \
        d4j::attentionOf<d4j::DType::TYPE, TILE>(p);                                                             \
    }

#define D4J_ATTENTIONS(TYPE, NAME)     \
    D4J_ATTENTION(TYPE, NAME, 0, 32)   \
    D4J_ATTENTION(TYPE, NAME, 1, 40)   \
    D4J_ATTENTION(TYPE, NAME, 2, 64)   \
    D4J_ATTENTION(TYPE, NAME, 3, 80)   \
    D4J_ATTENTION(TYPE, NAME, 4, 128)  \
    D4J_ATTENTION(TYPE, NAME, 5, 160)  \
    D4J_ATTENTION(TYPE, NAME, 6, 256)  \
    static_assert(d4j::kAttentionTileCount == 7, "an entry for every tile")
