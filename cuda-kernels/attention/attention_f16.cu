// Attention on tensor cores, f16: one entry per row of kAttentionTiles, named by the width of its head.
#include "attention/attention_mma.cuh"
#include "attention/attention_wide.cuh"

#define D4J_ATTENTION(TILE, HEAD_DIM, FUNCTION)                                                                  \
    static_assert(d4j::kAttentionTiles[TILE].headDim == HEAD_DIM, "the name says which head the tile is for");   \
    extern "C" __global__ void __launch_bounds__(d4j::kAttentionTiles[TILE].warps * 32,                          \
                                                 d4j::kAttentionTiles[TILE].blocksPerSm)                         \
        attention_f16_d##HEAD_DIM(const __grid_constant__ d4j::AttentionParams p) {                             \
        d4j::FUNCTION<d4j::DType::F16, TILE>(p);                                                                \
    }

D4J_ATTENTION(0, 32, attention)
D4J_ATTENTION(1, 40, attention)
D4J_ATTENTION(2, 64, attention)
D4J_ATTENTION(3, 80, attention)
D4J_ATTENTION(4, 128, attention)
D4J_ATTENTION(5, 160, attentionWide)
D4J_ATTENTION(6, 256, attentionWide)
