// The attention kernels' instances and the choice among them: plain C++17 for NVRTC and for the host.
#pragma once

#include "common/types.hpp"

namespace d4j {

/// A block of 32 * warps threads does attentionQueries queries of `heads` heads against `keys` keys at a time.
///
/// Two m-tiles a warp make each ldmatrix.x4 of K or V feed four mma instead of two: 0.25 loads per mma. They cost
/// registers a lane: headDim for the output, keys for the scores (f32), headDim / 2 for the queries; at most 255 - 40.
/// So wide heads take fewer keys at a time, then keep queries in shared memory, then share output and scores between
/// warps, which exchange their probabilities.
struct AttentionTile {
    int headDim;         // columns kept
    bool exact;          // for this width alone; else narrower heads are filled up with zeros
    int heads;           // neighbours, of a block: 2 where a row of one head is no multiple of 32 bytes, which is what
                         // memory transfers. Only for an exact width of which 16 bytes * 16 lanes hold whole rows.
    int warps;
    int mTiles;
    int keys;            // a multiple of 32
    int queryStepsKept;  // k16 steps of the queries that stay in registers; the others are read again for each tile
    bool sumByMma;       // row sums of the probabilities by mma, 2 / headDim more FLOPs, instead of an addition a score
    int blocksPerSm;     // what registers and shared memory are planned for
    int split = 1;       // warps that share their queries, each with a part of the keys' scores and of the output's columns
};

// The numbers of steps kept are the largest without spills on sm_80, sm_90a, sm_100a and sm_120a.
constexpr AttentionTile kAttentionTiles[] = {
    {32, false, 1, 4, 2, 96, 2, true, 2},
    {40, true, 2, 8, 2, 96, 3, true, 1},   // SD 1.x at 320 channels: k16 + k16 + k8; 77 context tokens in one tile
    {64, false, 1, 4, 2, 64, 4, true, 2},
    {80, true, 1, 4, 2, 64, 4, true, 2},    // SD 1.x at 640 channels
    {128, false, 1, 4, 2, 32, 5, false, 2},
    {160, true, 1, 4, 2, 64, 10, false, 2, 2},  // SD 1.x at 1280 channels
    {256, false, 1, 8, 2, 64, 13, false, 1, 4},
};
constexpr int kAttentionTileCount = sizeof(kAttentionTiles) / sizeof(kAttentionTiles[0]);

/// Of one head.
D4J_HOST_DEVICE constexpr int attentionQueries(const AttentionTile& tile) {
    return 16 * tile.mTiles * tile.warps / tile.heads / tile.split;
}

/// Whether no query is needed in shared memory once the first tile begins.
D4J_HOST_DEVICE constexpr bool keepsAllQueries(const AttentionTile& tile) {
    return tile.queryStepsKept == (tile.headDim + 15) / 16;
}

/// Where warps share queries: what of them stays in shared memory, as fragments.
D4J_HOST_DEVICE constexpr int attentionFragmentBytes(const AttentionTile& tile) {
    return tile.split == 1 ? 0 : attentionQueries(tile) * (tile.headDim / 16 - tile.queryStepsKept) * 32;
}

/// And what the warps tell each other: probabilities, and a number a row.
D4J_HOST_DEVICE constexpr int attentionExchangeBytes(const AttentionTile& tile) {
    return tile.split == 1 ? 0 : attentionQueries(tile) * (tile.keys * 2 + tile.split * 4);
}

/// Dynamic shared memory: two stages of K and V, or one where warps share queries. Queries pass through the second stage,
/// or V's place, unless they stay in a place of their own. The output leaves through the queries' place, or where K and V
/// were.
D4J_HOST_DEVICE constexpr int attentionSharedBytes(const AttentionTile& tile) {
    const int row = tile.headDim * 2 * tile.heads;
    const int stages = (tile.split == 1 ? 4 : 2) * tile.keys * row;
    const int queries = attentionQueries(tile) * row;
    if (tile.split == 1 && !keepsAllQueries(tile)) return queries + stages;
    const int halfWithQueries = stages / 2 + queries;
    return (halfWithQueries > stages ? halfWithQueries : stages) + attentionFragmentBytes(tile) +
           attentionExchangeBytes(tile);
}

/// The tile for this head: the narrowest that takes it. -1: none, the head is wider than 256 columns.
D4J_HOST_DEVICE constexpr int pickAttentionTile(int headDim) {
    for (int i = 0; i < kAttentionTileCount; ++i) {
        const AttentionTile& tile = kAttentionTiles[i];
        if (headDim == tile.headDim || (headDim < tile.headDim && !tile.exact)) return i;
    }
    return -1;
}

/// Whether the tensor-core kernels can read these operands: they move 16 bytes, 8 elements, at a time. The strides are
/// in elements, the addresses (their bitwise or) in bytes.
D4J_HOST_DEVICE constexpr bool attentionAligned(uint64_t addresses, int headDim, int qStride, int kStride, int vStride,
                                                int outStride) {
    return addresses % 16 == 0 && headDim % 8 == 0 && qStride % 8 == 0 && kStride % 8 == 0 && vStride % 8 == 0 &&
           outStride % 8 == 0;
}

// ---- the kernels in plain f32 arithmetic ---------------------------------------------------------------------------

constexpr int kFmaThreads = 128;
constexpr int kFmaQueries = 64;  // of a block
constexpr int kFmaKeys = 32;     // at a time

/// Columns of the output that an instance holds in registers, in chunks of 32.
constexpr int kFmaHeadDims[] = {64, 160, 256};

/// The instance for this head: the narrowest that takes it, or the widest, ceilDiv(headDim, its columns) blocks of which
/// share a head.
D4J_HOST_DEVICE constexpr int pickAttentionFma(int headDim) {
    for (int i = 0; i < 2; ++i) {
        if (headDim <= kFmaHeadDims[i]) return i;
    }
    return 2;
}

}  // namespace d4j
