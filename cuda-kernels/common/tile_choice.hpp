// Which tile and how many splits of the sum a matrix product gets: a pure function of its sizes and the device's. It
// estimates cycles and takes the least; ties go to the first row of the table. For the host only.
#pragma once

#include <cstdint>

#include "common/tile.hpp"

namespace d4j {

struct MatrixProblem {
    DType type;
    int64_t m;
    int32_t n;
    int32_t slices;       // along the sum
    int32_t samples;      // that m consists of, for batchInvariant
    int32_t multiprocessors;
    bool batchInvariant;  // split the sum as for one sample, so that bits do not depend on the batch
};

/// tile: row of the table. slicesPerSplit: what the kernel is told; splits > 1 are added up behind a barrier.
struct MatrixChoice {
    int32_t tile;
    int32_t splits;
    int32_t slicesPerSplit;
};

// Rates of one multiprocessor of sm_80, in the unit of a cycle; later ones have about the same ratios.
constexpr int kTensorMacs = 1024;  // of 16-bit types; tf32 half of that
constexpr int kFfmaMacs = 64;
constexpr int kSharedBytes = 128;
constexpr int kL2Bytes = 64;

// Latency of filling the pipeline and of the epilogue of a block that has nothing to overlap with, and of a barrier of
// all blocks, in cycles: about 1 microsecond each.
constexpr int64_t kBlockLatency = 1500, kBarrierLatency = 1500;

/// Cycles that a multiprocessor spends on one slice of a block: the slowest of arithmetic, shared memory (every warp
/// reads its rows of both operands, and both are written once) and the L2 behind it.
constexpr int64_t sliceCycles(const TileShape& tile) {
    const int64_t macs = int64_t{tile.m} * tile.n * sliceElements(tile.type);
    const int rate = tile.type == DType::F32 ? kFfmaMacs : tile.type == DType::TF32 ? kTensorMacs / 2 : kTensorMacs;
    const int64_t read = int64_t{tile.warpsM} * tile.warpsN * (tile.warpM() + tile.warpN()) * kSliceBytes;
    const int64_t arithmetic = macs / rate;
    const int64_t shared = (read + tile.stageBytes()) / kSharedBytes;
    const int64_t l2 = tile.stageBytes() / kL2Bytes;
    const int64_t slower = shared > l2 ? shared : l2;
    return arithmetic > slower ? arithmetic : slower;
}

constexpr int64_t ceilDiv64(int64_t a, int64_t b) { return (a + b - 1) / b; }

constexpr int64_t estimatedCycles(const TileShape& tile, const MatrixProblem& p, int64_t m, int splits, int perSplit) {
    const int64_t blocks = matrixItems(tile, m, p.n, splits);
    const int64_t rounds = ceilDiv64(blocks, p.multiprocessors);
    int64_t cycles = rounds * perSplit * sliceCycles(tile) + kBlockLatency;
    if (splits > 1) {
        // Partial results are written and read once.
        cycles += kBarrierLatency + 2 * 4 * m * p.n * splits / (int64_t{p.multiprocessors} * kL2Bytes);
    }
    return cycles;
}

/// More splits than this never paid: a split shorter than eight slices is mostly latency.
constexpr int kMaxSplits = 16, kMinSlicesPerSplit = 8;

constexpr int slicesPerSplit(int slices, int splits) { return ceilDiv(slices, splits); }

/// The number of splits that is estimated to be fastest with its best tile.
template <int COUNT>
constexpr int chooseSplits(const NamedTile (&tiles)[COUNT], const MatrixProblem& p, int64_t m) {
    int64_t best = INT64_MAX;
    int chosen = 1;
    for (int splits = 1; splits <= kMaxSplits; ++splits) {
        const int perSplit = slicesPerSplit(p.slices, splits);
        // Each split must have work, and enough of it.
        const bool uneven = ceilDiv(p.slices, perSplit) != splits;
        if (splits > 1 && (uneven || perSplit < kMinSlicesPerSplit)) {
            continue;
        }
        for (const NamedTile& tile : tiles) {
            if (tile.shape.type != p.type) {
                continue;
            }
            const int64_t cycles = estimatedCycles(tile.shape, p, m, splits, perSplit);
            if (cycles < best) {
                best = cycles;
                chosen = splits;
            }
        }
    }
    return chosen;
}

/// All tiles add up in the same order, so only the splits decide about bits.
template <int COUNT>
constexpr MatrixChoice chooseTile(const NamedTile (&tiles)[COUNT], const MatrixProblem& p) {
    const int splits = chooseSplits(tiles, p, p.batchInvariant ? p.m / p.samples : p.m);
    const int perSplit = slicesPerSplit(p.slices, splits);
    MatrixChoice choice{-1, splits, perSplit};
    int64_t best = INT64_MAX;
    for (int i = 0; i < COUNT; ++i) {
        if (tiles[i].shape.type != p.type) {
            continue;
        }
        const int64_t cycles = estimatedCycles(tiles[i].shape, p, p.m, splits, perSplit);
        if (cycles < best) {
            best = cycles;
            choice.tile = i;
        }
    }
    return choice;
}

}  // namespace d4j
