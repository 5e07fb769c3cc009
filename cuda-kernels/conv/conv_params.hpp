// Launch ABI of the convolution kernels: one struct by value.
#pragma once

#include "common/epilogue_params.hpp"
#include "common/tail_params.hpp"

namespace d4j {

/// D [n, ot, oh, ow, k] = epilogue(conv(source)). source is [n, t, h, w, c0], or source0 and source1 side by side along
/// the channels. One row of the product is one output pixel; one kernel position (dt, dy, dx) is a tap.
/// A shortcut, one or two sources of the output's size under a 1x1 filter, is more of the same sum: its weights follow
/// the filter's (not in `any` kernels).
/// Grid: any number of blocks up to matrixItems; with a tail as many as are resident together.
/// Dynamic shared memory: convSharedBytes.
struct ConvParams {
    const void* source0;
    const void* source1;  // null if c1 = 0
    const void* weights;  // see PackedWeights
    EpilogueParams epilogue;
    int32_t c0, c1;
    int32_t t, h, w;     // of the source, before upsampling
    int32_t upsample;    // 0, or 1: nearest 2x of h and w before the convolution
    int32_t outT, outH, outW;
    int32_t kernelT, kernelH, kernelW;
    int32_t strideT, strideH, strideW;
    int32_t padFront, padTop, padLeft;  // what lies behind the far edges follows from the output's size
    const void* shortcut0;
    const void* shortcut1;
    int32_t s0, s1;          // channels of the shortcut's sources; 0: none
    int32_t slices;          // of the whole sum
    int32_t slicesPerSplit;
    TailParams tail;
};

D4J_HOST_DEVICE constexpr int convTaps(const ConvParams& p) { return p.kernelT * p.kernelH * p.kernelW; }

/// Segments in front of the shortcut's, taps times sources; see conv/pixel_table.cuh.
D4J_HOST_DEVICE constexpr int convFilterSegments(const ConvParams& p) { return convTaps(p) * (p.c1 > 0 ? 2 : 1); }

D4J_HOST_DEVICE constexpr int convSegments(const ConvParams& p) {
    return convFilterSegments(p) + (p.s0 > 0) + (p.s1 > 0);
}

/// 7 x 7 of one source and 3 x 3 x 3 of two fit. The tables must stand beside the pipeline in the 99 KiB of the smallest
/// targets: 64 * 128 rows * 4 bytes = 32 KiB beside 48 KiB.
constexpr int kMaxSegments = 64;

/// The pipeline (or the epilogue's slabs), the list of segments with its end, and the table of pixels.
D4J_HOST_DEVICE constexpr int convListOffset(const TileShape& tile) {
    return tile.pipelineBytes() > tile.slabBytes() ? tile.pipelineBytes() : tile.slabBytes();
}

D4J_HOST_DEVICE constexpr int convTableOffset(const TileShape& tile, int segments) {
    return convListOffset(tile) + (segments + 1) * 16;
}

D4J_HOST_DEVICE constexpr int convSharedBytes(const TileShape& tile, int segments) {
    return convTableOffset(tile, segments) + tile.m * segments * 4;
}

}  // namespace d4j
