// The shape of a thread block's work in the matrix kernels, and what it costs. Shared by kernels and host.
//
// D [m, n] = A [m, k] B [n, k]^T: rows of A are output pixels or tokens, rows of B are output channels. Both are read in
// slices of 64 bytes along k, whatever the element type: 32 halves or 16 floats. A slice is four 16-byte chunks a row,
// and two steps of the tensor core (k16 of halves, k8 of tf32, 32 bytes either way).
#pragma once

#include "common/types.hpp"

namespace d4j {

constexpr int kSliceBytes = 64;
constexpr int kChunksPerSlice = 4;

/// Elements of k in a slice.
D4J_HOST_DEVICE constexpr int sliceElements(DType type) { return kSliceBytes / bytesOf(type); }

/// Columns that a lane of the epilogue handles at once: 16 bytes of accumulators.
constexpr int kEpilogueColumns = 4;

/// Columns of a split sum that a warp adds up at once.
constexpr int kSplitSumColumns = 64;

/// Rows of accumulators that a warp moves through shared memory at once: the m of one mma.
constexpr int kSlabRows = 16;

struct TileShape {
    DType type;
    int m, n;                // of the block
    int warpsM, warpsN;      // how the block's warps share it
    int stages;              // slices in flight
    int blocksPerSm;         // planned residency: registers everywhere, shared memory from sm_80's 164 KiB on (of a
                             // convolution with a 3x3 filter and one source)

    D4J_HOST_DEVICE constexpr int threads() const { return warpsM * warpsN * 32; }
    D4J_HOST_DEVICE constexpr int warpM() const { return m / warpsM; }
    D4J_HOST_DEVICE constexpr int warpN() const { return n / warpsN; }
    D4J_HOST_DEVICE constexpr int stageBytes() const { return (m + n) * kSliceBytes; }
    D4J_HOST_DEVICE constexpr int pipelineBytes() const { return stages * stageBytes(); }

    /// Accumulators return through shared memory to become whole rows. The pad makes both sides free of bank conflicts:
    /// a tensor-core fragment writes two floats at (row lane / 4, column 2 (lane % 4)), so rows must be 8 banks apart
    /// modulo 32; a thread tile (f32) writes one float at (lane % 8, lane / 8), so rows must be 4 banks apart.
    D4J_HOST_DEVICE constexpr int slabPitch() const { return warpN() + (type == DType::F32 ? 4 : 8); }
    D4J_HOST_DEVICE constexpr int slabBytes() const { return warpsM * warpsN * kSlabRows * slabPitch() * 4; }
};

/// Tiles of D [m, n] times splits: what the blocks of a launch share.
D4J_HOST_DEVICE constexpr int64_t matrixItems(const TileShape& tile, int64_t m, int n, int splits) {
    return (m + tile.m - 1) / tile.m * ceilDiv(n, tile.n) * splits;
}

/// A row of a tile table.
struct NamedTile {
    const char* name;  // of the kernel
    TileShape shape;

    D4J_HOST_DEVICE constexpr bool isNamed(const char* other) const {
        const char* mine = name;
        while (*mine != 0 && *mine == *other) {
            ++mine;
            ++other;
        }
        return *mine == *other;
    }
};

}  // namespace d4j
