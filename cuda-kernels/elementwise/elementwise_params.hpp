// What the kernels of this folder take, each one struct by value, and how they are launched: blocks of
// kElementwiseThreads threads, one thread an item, ceilDiv(items, kElementwiseThreads) blocks unless stated.
//
// A run is runOf(types) consecutive elements of a row (the last one of a row may be shorter). `aligned` says that every address,
// stride and row length allows 16-byte accesses: elementwiseAligned.
#pragma once

#include "common/types.hpp"

namespace d4j {

constexpr int kElementwiseThreads = 256;

/// Elements that a thread moves at a time: 16 bytes of the wider type, so that no access of a warp leaves gaps.
D4J_HOST_DEVICE constexpr int runOf(DType src, DType dst) {
    return 16 / (bytesOf(src) > bytesOf(dst) ? bytesOf(src) : bytesOf(dst));
}

enum class Pointwise : int32_t {
    Silu = 0,   // silu(a)
    Add = 1,    // scale (a + b)
    Scale = 2,  // scale a
};

/// pointwise_<src>_<dst>: dst[i] = f(a[i], b[i % bCount]). Items: runs of `count`.
struct PointwiseParams {
    const void* a;
    const void* b;  // Add only
    void* dst;      // may be a or b
    int64_t count;
    int64_t bCount;  // a multiple of 8, or count
    Pointwise kind;
    float scale;
    int32_t aligned;
    int32_t reserved;
};

/// copy_<src>_<dst>: rows from one stride and dtype to another.
/// geglu_<dtype>: dst = a gelu(b), where a source row is [a | b].
/// add_embedding_<dtype>: dst = src + embedding of the row's sample.
/// embedding_lookup_<dtype>: dst[row] = src[ids[row]].
/// Items: rows * ceilDiv(columns, run).
struct RowsParams {
    const void* src;
    void* dst;
    const void* extra;  // add_embedding: const float* [samples][extraStride]; embedding_lookup: const int32_t* ids
    int32_t rows, columns;  // of dst
    int32_t srcStride, dstStride;  // elements
    int32_t extraStride;
    int32_t rowsPerSample;  // add_embedding
    int32_t aligned;
    int32_t reserved;
};

/// upsample_nearest_<dtype>, avg_pool_<dtype>: factor 2 in both directions, NHWC.
/// Items: samples * height * width * ceilDiv(channels, run) of the smaller image.
struct ResampleParams {
    const void* src;
    void* dst;
    int32_t samples, height, width, channels;  // of the smaller image
    int32_t aligned;
    int32_t reserved;
};

/// nchw_to_nhwc_<dtype>: f32 [samples, channels, pixels] to dtype [samples, pixels, channels]; nhwc_to_nchw_<dtype> back.
/// Grid: (ceilDiv(pixels, kLayoutTile), ceilDiv(channels, kLayoutTile), samples).
constexpr int kLayoutTile = 32;

struct LayoutParams {
    const void* src;
    void* dst;
    int32_t pixels, channels;
};

/// image_encode_<dtype>: bytes to [-1, 1]; image_decode_<dtype>: [-1, 1], clamped, to bytes, ties to even.
/// Items: runs of `count`.
struct ImageParams {
    const void* src;
    void* dst;
    int64_t count;
};

/// timestep_embedding: f32 rows [sin(angle) | cos(angle)] of f32 timesteps. Items: samples * ceilDiv(dim, 2).
/// Sinusoidal: angle = scale * (t * frequency). Fourier: angle = s * frequency * 2 pi, s = ln t if `log`, else t.
/// Each product is rounded to f32, as the models were trained, and sine and cosine are those of that f32 number.
struct TimestepParams {
    const float* timesteps;
    const float* frequencies;  // [dim / 2]
    float* dst;
    int32_t samples, dim, dstStride;
    int32_t cosineFirst;
    int32_t fourier;
    int32_t log;
    float scale;
    int32_t reserved;
};

static_assert(sizeof(PointwiseParams) == 56, "written by Java");
static_assert(sizeof(RowsParams) == 56, "written by Java");
static_assert(sizeof(ResampleParams) == 40, "written by Java");
static_assert(sizeof(LayoutParams) == 24, "written by Java");
static_assert(sizeof(ImageParams) == 24, "written by Java");
static_assert(sizeof(TimestepParams) == 56, "written by Java");

/// Whether runs may be moved in 16-byte accesses: `address` in bytes, the others in elements. Rows that end in the middle
/// of a run would need a second path in every thread, so they go element by element.
/// Each argument is the bitwise or of what it names: addresses in bytes, strides and row lengths in elements.
D4J_HOST_DEVICE constexpr bool elementwiseAligned(uint64_t addresses, uint64_t stridesAndColumns) {
    return addresses % 16 == 0 && stridesAndColumns % 8 == 0;
}

}  // namespace d4j
