// A warp's share of a block's tile: accumulators, the multiplication of one slice in shared memory, and the way of the
// accumulators to whole rows. Two kinds with one interface: tensor cores, and FFMA for plain f32.
//
// Slices lie in shared memory as 64-byte rows, swizzled (common/swizzle.hpp): k-contiguous for both operands, so neither
// needs a transposing load.
#pragma once

#include "arch/ldmatrix.cuh"
#include "arch/mma.cuh"
#include "arch/shared_memory.cuh"
#include "common/dtype.cuh"
#include "common/reduce.cuh"
#include "common/swizzle.hpp"
#include "common/tile.hpp"

namespace d4j {

/// Where the calling thread's warp works in the block's tile.
template <class Config>
struct WarpPosition {
    static constexpr TileShape TILE = Config::TILE;
    int lane = threadIdx.x % kWarp;
    int row = static_cast<int>(threadIdx.x) / kWarp / TILE.warpsN * TILE.warpM();
    int column = static_cast<int>(threadIdx.x) / kWarp % TILE.warpsN * TILE.warpN();
};

template <class Config>
class TensorWarpTile {
    static constexpr TileShape TILE = Config::TILE;
    static constexpr int M_FRAGMENTS = TILE.warpM() / 16, N_FRAGMENTS = TILE.warpN() / 8;
    static_assert(N_FRAGMENTS % 2 == 0, "one ldmatrix.x4 loads B for two fragments");

public:
    D4J_DEVICE explicit TensorWarpTile(const WarpPosition<Config>& warp) : lane(warp.lane) {
        // A: matrices (rows 0-7, 8-15) x (chunk 0, 1) in the order of mma's registers.
        offsetA = swizzledOffset<kSliceBytes>(warp.row + lane % 16, lane / 16);
        // B: matrices (chunk 0, 1) of columns 0-7, then of columns 8-15.
        offsetB = TILE.m * kSliceBytes +
                  swizzledOffset<kSliceBytes>(warp.column + lane % 8 + lane / 16 * 8, lane / 8 % 2);
#pragma unroll
        for (int i = 0; i < M_FRAGMENTS; ++i) {
#pragma unroll
            for (int j = 0; j < N_FRAGMENTS; ++j) {
                accumulators[i][j][0] = accumulators[i][j][1] = 0.0f;
                accumulators[i][j][2] = accumulators[i][j][3] = 0.0f;
            }
        }
    }

    /// stage: address of a slice, A's rows first. Stages are multiples of 64 bytes.
    D4J_DEVICE void multiply(uint32_t stage) {
#pragma unroll
        for (int step = 0; step < 2; ++step) {
            // The second step is chunks 2 and 3: bit 1 of the chunk, which the swizzle leaves to be an xor of 32 bytes.
            const uint32_t flip = step * 2 * kChunkBytes;
            uint32_t a[M_FRAGMENTS][4], b[N_FRAGMENTS / 2][4];
#pragma unroll
            for (int i = 0; i < M_FRAGMENTS; ++i) {
                ldmatrixX4(a[i], ((stage + offsetA) ^ flip) + i * 16 * kSliceBytes);
            }
#pragma unroll
            for (int j = 0; j < N_FRAGMENTS / 2; ++j) {
                ldmatrixX4(b[j], ((stage + offsetB) ^ flip) + j * 16 * kSliceBytes);
            }
            if constexpr (TILE.type == DType::TF32) {
                // Weights were rounded when they were packed.
#pragma unroll
                for (int i = 0; i < M_FRAGMENTS; ++i) {
#pragma unroll
                    for (int r = 0; r < 4; ++r) {
                        a[i][r] = roundToTf32(a[i][r]);
                    }
                }
            }
#pragma unroll
            for (int i = 0; i < M_FRAGMENTS; ++i) {
#pragma unroll
                for (int j = 0; j < N_FRAGMENTS; ++j) {
                    const uint32_t b0 = b[j / 2][j % 2 * 2], b1 = b[j / 2][j % 2 * 2 + 1];
                    if constexpr (TILE.type == DType::TF32) {
                        Mma<TILE.type>::k8(accumulators[i][j], a[i], b0, b1);
                    } else {
                        Mma<TILE.type>::k16(accumulators[i][j], a[i], b0, b1);
                    }
                }
            }
        }
    }

    static constexpr int SLABS = M_FRAGMENTS;

    /// Writes rows [16 index, 16 index + 16) of the warp's tile to its slab.
    D4J_DEVICE void storeSlab(uint32_t slab, int index) const {
        const uint32_t corner = slab + (lane / 4 * TILE.slabPitch() + lane % 4 * 2) * 4;
#pragma unroll
        for (int j = 0; j < N_FRAGMENTS; ++j) {
            const float(&x)[4] = accumulators[index][j];
            storeShared2(corner + j * 8 * 4, x[0], x[1]);
            storeShared2(corner + (j * 8 + 8 * TILE.slabPitch()) * 4, x[2], x[3]);
        }
    }

private:
    int lane;
    uint32_t offsetA, offsetB;
    float accumulators[M_FRAGMENTS][N_FRAGMENTS][4];
};

/// Lane (lane % 8, lane / 8) of 8 x 4 has rows lane % 8 + 8 i and columns lane / 8 + 4 j: eight lanes that load together
/// read eight neighbouring rows of A at one chunk (one wavefront) and the same row of B (a broadcast).
template <class Config>
class FfmaWarpTile {
    static constexpr TileShape TILE = Config::TILE;
    static constexpr int ROWS = TILE.warpM() / 8, COLUMNS = TILE.warpN() / 4;

public:
    D4J_DEVICE explicit FfmaWarpTile(const WarpPosition<Config>& warp)
        : lane(warp.lane), rowA(warp.row + warp.lane % 8), rowB(warp.column + warp.lane / 8) {
#pragma unroll
        for (int i = 0; i < ROWS; ++i) {
#pragma unroll
            for (int j = 0; j < COLUMNS; ++j) {
                accumulators[i][j] = 0.0f;
            }
        }
    }

    D4J_DEVICE void multiply(uint32_t stage) {
#pragma unroll
        for (int chunk = 0; chunk < kChunksPerSlice; ++chunk) {
            float4 a[ROWS];
#pragma unroll
            for (int i = 0; i < ROWS; ++i) {
                a[i] = loadShared4(stage + swizzledOffset<kSliceBytes>(rowA, chunk) + i * 8 * kSliceBytes);
            }
#pragma unroll
            for (int j = 0; j < COLUMNS; ++j) {
                const float4 b = loadShared4(stage + TILE.m * kSliceBytes +
                                            swizzledOffset<kSliceBytes>(rowB + 4 * (j % 2), chunk) +
                                            j / 2 * 8 * kSliceBytes);
#pragma unroll
                for (int i = 0; i < ROWS; ++i) {
                    float& sum = accumulators[i][j];
                    sum = fmaf(a[i].x, b.x, sum);
                    sum = fmaf(a[i].y, b.y, sum);
                    sum = fmaf(a[i].z, b.z, sum);
                    sum = fmaf(a[i].w, b.w, sum);
                }
            }
        }
    }

    static constexpr int SLABS = TILE.warpM() / kSlabRows;

    D4J_DEVICE void storeSlab(uint32_t slab, int index) const {
#pragma unroll
        for (int i = 0; i < kSlabRows / 8; ++i) {
#pragma unroll
            for (int j = 0; j < COLUMNS; ++j) {
                const int place = (lane % 8 + 8 * i) * TILE.slabPitch() + lane / 8 + 4 * j;
                storeShared(slab + place * 4, accumulators[index * (kSlabRows / 8) + i][j]);
            }
        }
    }

private:
    int lane, rowA, rowB;
    float accumulators[ROWS][COLUMNS];
};

template <class Config, bool TENSOR = Config::TILE.type != DType::F32>
struct WarpTileOf {
    using Type = TensorWarpTile<Config>;
};

template <class Config>
struct WarpTileOf<Config, false> {
    using Type = FfmaWarpTile<Config>;
};

template <class Config>
using WarpTile = typename WarpTileOf<Config>::Type;

}  // namespace d4j
