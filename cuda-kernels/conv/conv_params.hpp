// Launch ABI of the convolution kernels: one struct by value; and the layout of packed filters.
#pragma once

#include "common/epilogue_params.hpp"
#include "common/tile.hpp"

namespace d4j {

/// D [n, ot, oh, ow, k] = epilogue(conv(source)). source is [n, t, h, w, c0], or source0 and source1 side by side along
/// the channels. One row of the product is one output pixel; one kernel position (dt, dy, dx) is a tap.
/// Grid: x tiles of output channels, y tiles of output pixels, z splits of the slices.
/// Dynamic shared memory: convSharedBytes.
struct ConvParams {
    const void* source0;
    const void* source1;  // null if c1 = 0
    const void* weights;  // packed, see PackedFilter
    EpilogueParams epilogue;
    int32_t c0, c1;
    int32_t t, h, w;     // of the source, before upsampling
    int32_t upsample;    // 0, or 1: nearest 2x of h and w before the convolution
    int32_t outT, outH, outW;
    int32_t kernelT, kernelH, kernelW;
    int32_t strideT, strideH, strideW;
    int32_t padFront, padTop, padLeft;  // what lies behind the far edges follows from the output's size
    int32_t slices;          // of the whole sum
    int32_t slicesPerSplit;
};

/// How filters are laid out for the device: per output channel the slices of 64 bytes in the order of the main loop.
/// The aligned kernels walk source by source, tap by tap, channel slice by channel slice, each source's channels padded
/// with zeros to whole slices; for one source whose channels fill slices this is KRSC itself. The general kernels (`any`)
/// walk through (tap, channel of both sources) as one long row, padded at its end.
struct PackedFilter {
    int32_t taps, c0, c1;
    int32_t slice;  // elements of a slice
    bool any;

    D4J_HOST_DEVICE constexpr int slices0() const { return ceilDiv(c0, slice); }
    D4J_HOST_DEVICE constexpr int slices1() const { return ceilDiv(c1, slice); }
    D4J_HOST_DEVICE constexpr int slices() const {
        return any ? ceilDiv(taps * (c0 + c1), slice) : taps * (slices0() + slices1());
    }
    /// Elements from one output channel to the next.
    D4J_HOST_DEVICE constexpr int64_t pitch() const { return static_cast<int64_t>(slices()) * slice; }
    /// Where the weight of a tap and an input channel of the concatenated sources stands in its output channel's row.
    D4J_HOST_DEVICE constexpr int64_t position(int tap, int channel) const {
        if (any) {
            return static_cast<int64_t>(tap) * (c0 + c1) + channel;
        }
        if (channel < c0) {
            return static_cast<int64_t>(tap) * slices0() * slice + channel;
        }
        return (static_cast<int64_t>(taps) * slices0() + static_cast<int64_t>(tap) * slices1()) * slice + channel - c0;
    }
};

/// Taps times sources, see conv/pixel_table.cuh.
D4J_HOST_DEVICE constexpr int convSegments(const ConvParams& p) {
    return p.kernelT * p.kernelH * p.kernelW * (p.c1 > 0 ? 2 : 1);
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
