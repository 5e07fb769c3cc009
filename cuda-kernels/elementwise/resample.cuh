// Images twice or half as large, and the change between NCHW and NHWC.
#pragma once

#include "elementwise/run.cuh"

namespace d4j {

/// A run of channels of one pixel of the smaller image, and the first of its four in the larger one.
struct ResamplePixel {
    int64_t small, large;  // element indices
    int64_t right, below;  // steps in the larger image
    int length;
    bool aligned, exists;

    D4J_DEVICE ResamplePixel(const ResampleParams& p, int elements) {
        const int runs = ceilDiv(p.channels, elements);
        const int64_t item = itemOfThread();
        const int channel = static_cast<int>(item % runs) * elements;
        const int64_t pixel = item / runs;
        const int x = static_cast<int>(pixel % p.width);
        const int64_t line = pixel / p.width;  // over all samples: an even number of large lines each
        exists = line < static_cast<int64_t>(p.samples) * p.height;
        small = pixel * p.channels + channel;
        large = (line * 2 * p.width * 2 + x * 2) * p.channels + channel;
        right = p.channels;
        below = static_cast<int64_t>(p.width) * 2 * p.channels;
        length = min(p.channels - channel, elements);
        aligned = p.aligned != 0;
    }
};

/// A thread a source run, so that each element is read once and written four times. Bits are only moved.
template <DType TYPE>
D4J_DEVICE void upsampleNearest(const ResampleParams& p) {
    constexpr int RUN = runOf(TYPE, TYPE);
    const ResamplePixel at(p, RUN);
    if (!at.exists) return;
    const auto* from = static_cast<const Stored<TYPE>*>(p.src) + at.small;
    auto* to = static_cast<Stored<TYPE>*>(p.dst) + at.large;
    if (at.aligned) {
        const uint4 bits = *reinterpret_cast<const uint4*>(from);
        *reinterpret_cast<uint4*>(to) = bits;
        *reinterpret_cast<uint4*>(to + at.right) = bits;
        *reinterpret_cast<uint4*>(to + at.below) = bits;
        *reinterpret_cast<uint4*>(to + at.below + at.right) = bits;
        return;
    }
    for (int i = 0; i < at.length; ++i) {
        const Stored<TYPE> x = from[i];
        to[i] = x;
        to[at.right + i] = x;
        to[at.below + i] = x;
        to[at.below + at.right + i] = x;
    }
}

template <DType TYPE>
D4J_DEVICE void avgPool(const ResampleParams& p) {
    constexpr int RUN = runOf(TYPE, TYPE);
    const ResamplePixel at(p, RUN);
    if (!at.exists) return;
    float a[RUN], b[RUN], c[RUN], d[RUN];
    loadRun<TYPE>(a, p.src, at.large, at.length, at.aligned);
    loadRun<TYPE>(b, p.src, at.large + at.right, at.length, at.aligned);
    loadRun<TYPE>(c, p.src, at.large + at.below, at.length, at.aligned);
    loadRun<TYPE>(d, p.src, at.large + at.below + at.right, at.length, at.aligned);
#pragma unroll
    for (int i = 0; i < RUN; ++i) a[i] = ((a[i] + b[i]) + (c[i] + d[i])) * 0.25f;
    storeRun<TYPE>(p.dst, at.small, a, at.length, at.aligned);
}

/// Transposes [rows][columns] of one sample into [columns][rows] through a 32x32 tile, so that both sides are read and
/// written along their rows. Where one side is narrower than the tile its rows are run together: a latent's 4 channels
/// are written as 32 pixels * 4 neighbours.
template <DType SRC, DType DST>
D4J_DEVICE void transpose(const void* srcBase, void* dstBase, int rows, int columns, int firstRow, int firstColumn) {
    // 33: neither a row nor a column of the tile falls into one bank.
    __shared__ float tile[kLayoutTile][kLayoutTile + 1];
    const int64_t sample = static_cast<int64_t>(blockIdx.z) * rows * columns;
    const auto* src = static_cast<const Stored<SRC>*>(srcBase) + sample;
    auto* dst = static_cast<Stored<DST>*>(dstBase) + sample;
    const int height = min(kLayoutTile, rows - firstRow), width = min(kLayoutTile, columns - firstColumn);
    for (int i = threadIdx.x; i < height * width; i += kElementwiseThreads) {
        const int row = i / width, column = i % width;
        tile[row][column] =
            Element<SRC>::toFloat(src[static_cast<int64_t>(firstRow + row) * columns + firstColumn + column]);
    }
    __syncthreads();
    for (int i = threadIdx.x; i < height * width; i += kElementwiseThreads) {
        const int column = i / height, row = i % height;
        dst[static_cast<int64_t>(firstColumn + column) * rows + firstRow + row] =
            Element<DST>::fromFloat(tile[row][column]);
    }
}

template <DType TYPE>
D4J_DEVICE void nchwToNhwc(const LayoutParams& p) {
    transpose<DType::F32, TYPE>(p.src, p.dst, p.channels, p.pixels, blockIdx.y * kLayoutTile,
                                blockIdx.x * kLayoutTile);
}

template <DType TYPE>
D4J_DEVICE void nhwcToNchw(const LayoutParams& p) {
    transpose<TYPE, DType::F32>(p.src, p.dst, p.pixels, p.channels, blockIdx.x * kLayoutTile,
                                blockIdx.y * kLayoutTile);
}

}  // namespace d4j
