// Attention on tensor cores, bf16: one entry per row of kAttentionTiles, named by the width of its head.
#include "attention/attention_mma.cuh"

#define D4J_ATTENTION(TILE, HEAD_DIM)                                                                            \
    static_assert(d4j::kAttentionTiles[TILE].headDim == HEAD_DIM, "the name says which head the tile is for");   \
    extern "C" __global__ void __launch_bounds__(d4j::kAttentionTiles[TILE].warps * 32,                          \
                                                 d4j::kAttentionTiles[TILE].blocksPerSm)                         \
        attention_bf16_d##HEAD_DIM(const __grid_constant__ d4j::AttentionParams p) {                             \
        d4j::attention<d4j::DType::BF16, TILE>(p);                                                               \
    }

D4J_ATTENTION(0, 32)
D4J_ATTENTION(1, 40)
D4J_ATTENTION(2, 64)
D4J_ATTENTION(3, 80)
D4J_ATTENTION(4, 128)
D4J_ATTENTION(5, 160)
D4J_ATTENTION(6, 256)
