// What the normalisation kernels take, each one struct by value, and how they are launched.
#pragma once

#include "common/channel_stats.hpp"
#include "common/types.hpp"

namespace d4j {

/// Threads of every kernel in this folder.
constexpr int kNormThreads = 256;

/// group_norm_stats_<dtype>[_scalar]: per-channel statistics of one source in blocks of `rows` rows, in the layout of
/// common/channel_stats.hpp; only the last block of a sample may be shorter. For sources whose producer left none.
/// Grid: (columnBlocks, ceilDiv(pixels, rows), samples).
struct GroupNormStatsParams {
    const void* src;      // [samples, pixels, channels]
    ChannelStats* stats;  // [samples, blocks, channels]
    int32_t pixels, channels;
    int32_t rows;
    int32_t columns;  // vectors of channels that a block covers: normColumns
};

/// The first part of group_norm: mean and deviation of each group, from the statistics of its channels.
struct GroupNormMergeParams {
    const ChannelStats* stats0;  // [samples, ceilDiv(pixels, rows), channels]
    const ChannelStats* stats1;  // or null
    const float* gamma;          // [channels0 + channels1], or null: ones
    const float* beta;           // or null: zeros
    const float* embedding;      // [samples][embeddingStride], added to the source before it is normalised, or null
    const float* film;           // [samples][filmStride]: scales, then shifts, or null
    float* moments;              // [samples][groups][2]: scratch memory, written and read by this launch
    int32_t pixels, channels0, channels1, groups;
    int32_t rows0, rows1;  // of a block of either source's statistics
    int32_t embeddingStride, filmStride;
    float eps;
    int32_t reserved;
};

/// The second part: dst = activation((src + embedding - mean) rstd gamma' + beta') over two sources side by side, with
/// gamma' = gamma (1 + film_scale), beta' = beta (1 + film_scale) + film_shift.
struct GroupNormApplyParams {
    const void* src0;      // [samples, pixels, channels0]
    const void* src1;      // [samples, pixels, channels1], or null
    const float* moments;  // of the first part
    void* dst;             // [samples, pixels, channels0 + channels1]
    int32_t pixels, channels0, channels1;
    int32_t rows;     // of a block
    int32_t columns;  // vectors of channels that a block covers: normColumns
    Activation activation;  // None or Silu
};

/// group_norm_<dtype>[_scalar]: with statistics from its producer a GroupNorm is this launch alone.
/// Grid: groupNormBlocks(p), in one dimension.
struct GroupNormParams {
    GroupNormMergeParams merge;
    GroupNormApplyParams apply;
    int32_t* progress;  // [groupNormProgress(samples)]: 0 before the first launch, and again after each one
    int32_t samples;
    int32_t columnBlocks;  // ceilDiv(vectors of a row, apply.columns)
};

D4J_HOST_DEVICE constexpr int groupNormBlocks(const GroupNormParams& p) {
    return p.samples * (p.merge.groups + p.columnBlocks * ceilDiv(p.apply.pixels, p.apply.rows));
}

/// Blocks that have started; of each sample the groups that are merged, and the blocks that have begun to apply them.
D4J_HOST_DEVICE constexpr int groupNormProgress(int samples) { return 1 + 2 * samples; }

/// layer_norm_<dtype>[_scalar]: normalises each row over its channels. Grid: ceilDiv(rows, kLayerNormRows);
/// dynamic shared memory: 8 * channels bytes.
struct LayerNormParams {
    const void* src;
    const float* gamma;  // [channels], or null: ones
    const float* beta;   // or null: zeros
    void* dst;
    int32_t rows, channels;
    int32_t srcStride, dstStride;  // elements
    float eps;
    int32_t reserved;
};

static_assert(sizeof(GroupNormStatsParams) == 32, "written by Java");
static_assert(sizeof(GroupNormMergeParams) == 96, "written by Java");
static_assert(sizeof(GroupNormApplyParams) == 56, "written by Java");
static_assert(sizeof(GroupNormParams) == 168, "written by Java");
static_assert(sizeof(LayerNormParams) == 56, "written by Java");

}  // namespace d4j
