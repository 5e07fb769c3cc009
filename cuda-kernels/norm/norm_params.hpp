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
    int32_t columns;  // vectors of channels that a block covers: NormColumns
};

/// group_norm_finalize: what each channel is normalised with.
///     mean' = mean - embedding, scale = gamma rstd (1 + film_scale), shift = beta (1 + film_scale) + film_shift
/// Grid: (groups, samples).
struct GroupNormFinalizeParams {
    const ChannelStats* stats0;  // [samples, ceilDiv(pixels, rows), channels]
    const ChannelStats* stats1;  // or null
    const float* gamma;          // [channels0 + channels1], or null: ones
    const float* beta;           // or null: zeros
    const float* embedding;      // [samples][embeddingStride], added to the source before it is normalised, or null
    const float* film;           // [samples][filmStride]: scales, then shifts, or null
    float* channels;             // [samples][3][channels0 + channels1]: mean', scale, shift
    int32_t pixels, channels0, channels1, groups;
    int32_t rows0, rows1;  // of a block of either source's statistics
    int32_t embeddingStride, filmStride;
    float eps;
    int32_t reserved;
};

/// group_norm_apply_<dtype>[_scalar]: dst = activation((src - mean') scale + shift) over two sources side by side.
/// Grid: (columnBlocks, ceilDiv(pixels, rows), samples).
struct GroupNormApplyParams {
    const void* src0;       // [samples, pixels, channels0]
    const void* src1;       // [samples, pixels, channels1], or null
    const float* channels;  // of group_norm_finalize
    void* dst;              // [samples, pixels, channels0 + channels1]
    int32_t pixels, channels0, channels1;
    int32_t rows;     // of a block
    int32_t columns;  // vectors of channels that a block covers: NormColumns
    Activation activation;  // None or Silu
};

/// group_norm_<dtype>[_scalar]: group_norm_finalize and group_norm_apply in one launch. With statistics from its producer
/// a GroupNorm is this launch alone.
/// Grid: groups * samples + columnBlocks * ceilDiv(pixels, apply.rows) * samples blocks, in one dimension.
struct GroupNormParams {
    GroupNormFinalizeParams merge;
    GroupNormApplyParams apply;  // apply.channels = merge.channels: scratch memory, written and read by this launch
    int32_t* progress;           // [groupNormProgress(samples)]: 0 before the first launch, and again after each one
    int32_t samples;
    int32_t columnBlocks;  // ceilDiv(vectors of a row, apply.columns)
};

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
static_assert(sizeof(GroupNormFinalizeParams) == 96, "written by Java");
static_assert(sizeof(GroupNormApplyParams) == 56, "written by Java");
static_assert(sizeof(GroupNormParams) == 168, "written by Java");
static_assert(sizeof(LayerNormParams) == 56, "written by Java");

}  // namespace d4j
