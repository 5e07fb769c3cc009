// Launch ABI of the linear kernels: one struct by value each.
#pragma once

#include "common/epilogue_params.hpp"
#include "common/tail_params.hpp"

namespace d4j {

/// gemm_*: D = epilogue(A B^T). Grid: any number of blocks up to matrixItems; with a tail as many as are resident
/// together. Dynamic shared memory: gemmSharedBytes.
struct GemmParams {
    const void* a;        // [m, k] with pitch, every row 16-byte aligned
    const void* weights;  // see PackedWeights
    EpilogueParams epilogue;
    int64_t pitch;        // of a, in elements
    int32_t k;
    int32_t slices;       // of the whole sum
    int32_t slicesPerSplit;
    TailParams tail;
};

D4J_HOST_DEVICE constexpr int gemmSharedBytes(const TileShape& tile) {
    return tile.pipelineBytes() > tile.slabBytes() ? tile.pipelineBytes() : tile.slabBytes();
}

/// linear_small_*: few rows, all f32 but for the weights. D = activation(f(X) W^T + bias), f = silu or nothing.
/// Grid: x pieces of kLinearSmallWarps columns, y pieces of kLinearSmallRows rows.
struct LinearSmallParams {
    const float* x;       // [m, k] with pitch
    const void* weights;  // [n, k] of the kernel's type, plain rows with pitch
    const float* bias;    // [n] or null
    float* destination;   // [m, n] with pitch
    int64_t pitch, weightPitch, destinationPitch;  // in elements
    int32_t m, n, k;
    int32_t siluInput;
    Activation activation;
    int32_t vectors;  // 1: all addresses are multiples of 16 bytes, all pitches of 8 elements
};

constexpr int kLinearSmallWarps = 4;
constexpr int kLinearSmallRows = 8;

/// Up to this many rows a matrix product is a matrix-vector product: bound by reading the weights once.
constexpr int kLinearSmallMaxRows = 32;

}  // namespace d4j
