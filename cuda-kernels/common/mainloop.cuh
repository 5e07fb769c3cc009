// The main loop of the matrix kernels: a ring of slices in shared memory that loaders fill with asynchronous copies,
// STAGES - 1 slices ahead of the multiplication.
//
// A loader has copy(uint32_t stage): it issues the calling thread's copies of the next slice and steps on. Behind the
// last slice it must go on, writing zeros or nothing: the loop stays free of branches around copies.
#pragma once

#include "arch/cp_async.cuh"
#include "common/epilogue.cuh"
#include "common/tail.cuh"
#include "common/warp_tile.cuh"

namespace d4j {

/// Chunks of a slice that one thread copies: thread i the chunk i % 4 of the rows i / 4 + j THREADS / 4.
template <class Config>
struct CopyPattern {
    static constexpr int ROW_STEP = Config::TILE.threads() / kChunksPerSlice;
    // Rows 8 apart have the same swizzle, so one address and constant steps serve all of a thread's rows.
    static_assert(ROW_STEP % 8 == 0, "whole swizzle periods");
    static constexpr int A_ROWS = Config::TILE.m / ROW_STEP, B_ROWS = Config::TILE.n / ROW_STEP;
    static_assert(A_ROWS * ROW_STEP == Config::TILE.m && B_ROWS * ROW_STEP == Config::TILE.n, "all threads copy alike");
    static constexpr int STEP_BYTES = ROW_STEP * kSliceBytes;

    static D4J_DEVICE int row() { return threadIdx.x / kChunksPerSlice; }
    static D4J_DEVICE int chunk() { return threadIdx.x % kChunksPerSlice; }
    static D4J_DEVICE uint32_t sharedOffset() { return swizzledOffset<kSliceBytes>(row(), chunk()); }
};

/// Packed weights, see PackedWeights: the rows of a slice are neighbours, so that a thread's copies differ by constants
/// and a slice of the block is one dense piece of memory. Rows behind n are zeros.
template <class Config>
class WeightLoader {
    using Pattern = CopyPattern<Config>;

public:
    D4J_DEVICE WeightLoader(const void* weights, int firstRow, int n, int firstSlice, int slices)
        : pitch(n * int64_t{kSliceBytes}), left(slices) {
        const int row = firstRow + Pattern::row();
        source = static_cast<const char*>(weights) + firstSlice * pitch + row * int64_t{kSliceBytes} +
                 Pattern::chunk() * kChunkBytes;
        rows = (n - row + Pattern::ROW_STEP - 1) / Pattern::ROW_STEP;
        shared = Config::TILE.m * kSliceBytes + Pattern::sharedOffset();
    }

    D4J_DEVICE void copy(uint32_t stage) {
        const int valid = left > 0 ? rows : 0;
#pragma unroll
        for (int i = 0; i < Pattern::B_ROWS; ++i) {
            cpAsync16(stage + shared + i * Pattern::STEP_BYTES, source + i * Pattern::STEP_BYTES, i < valid);
        }
        source += pitch;
        --left;
    }

private:
    const char* source;
    int64_t pitch;
    int rows;  // of this thread that exist, counted in steps
    int left;
    uint32_t shared;
};

/// accumulators += A B^T over `slices` slices. shared: address of pipelineBytes() bytes, a multiple of 128.
template <class Config, class LoaderA, class LoaderB>
D4J_DEVICE void multiplySlices(WarpTile<Config>& tile, LoaderA& a, LoaderB& b, uint32_t shared, int slices) {
    constexpr int STAGES = Config::TILE.stages, STAGE_BYTES = Config::TILE.stageBytes();
    constexpr uint32_t END = STAGES * STAGE_BYTES;
#pragma unroll
    for (int i = 0; i < STAGES - 1; ++i) {
        a.copy(shared + i * STAGE_BYTES);
        b.copy(shared + i * STAGE_BYTES);
        cpAsyncCommit();
    }
    uint32_t read = shared, write = shared + (STAGES - 1) * STAGE_BYTES;
    const uint32_t end = shared + END;
#pragma unroll 1
    for (int i = 0; i < slices; ++i) {
        cpAsyncWait<STAGES - 2>();
        // Everyone's part of this slice has arrived, and everyone is done with the slice that is overwritten next.
        __syncthreads();
        a.copy(write);
        b.copy(write);
        cpAsyncCommit();
        tile.multiply(read);
        read = read + STAGE_BYTES == end ? shared : read + STAGE_BYTES;
        write = write + STAGE_BYTES == end ? shared : write + STAGE_BYTES;
    }
    // Behind the end come copies that write zeros: they must not meet the epilogue's use of the same memory.
    cpAsyncWait<0>();
    __syncthreads();
}

/// What a kernel of this configuration stores.
template <class Config>
constexpr DType kStoredType = Config::TILE.type == DType::TF32 ? DType::F32 : Config::TILE.type;

/// Stores the warp's tile through its slab in shared memory. firstRow, firstColumn: of the block's tile in D.
template <class Config>
D4J_DEVICE void storeTile(const WarpTile<Config>& tile, const WarpPosition<Config>& warp, const EpilogueParams& params,
                          uint32_t shared, int firstRow, int firstColumn, int split) {
    constexpr TileShape TILE = Config::TILE;
    constexpr int LANES = TILE.warpN() / kEpilogueColumns;
    constexpr DType TYPE = kStoredType<Config>;
    static_assert(TILE.warpM() % kStatsRows == 0, "a block of statistics is one warp's");
    using Epilogue = RowEpilogue<TYPE, LANES>;
    const uint32_t slab = shared + threadIdx.x / kWarp * (kSlabRows * TILE.slabPitch() * 4);
    const int rowInSlab = warp.lane / LANES, columnInSlab = warp.lane % LANES * kEpilogueColumns;
    const int column = firstColumn + warp.column + columnInSlab;
    constexpr int PASSES = kSlabRows / Epilogue::ROWS_AT_ONCE, SLABS_OF_STATS = kStatsRows / kSlabRows;
    Epilogue epilogue(params, column);
#pragma unroll
    for (int index = 0; index < WarpTile<Config>::SLABS; ++index) {
        tile.storeSlab(slab, index);
        __syncwarp();
        // Rolled up: unrolled, the epilogue would be ten times the main loop's code.
#pragma unroll 1
        for (int pass = 0; pass < PASSES; ++pass) {
            const int slabRow = pass * Epilogue::ROWS_AT_ONCE + rowInSlab;
            const float4 bits = loadShared4(slab + (slabRow * TILE.slabPitch() + columnInSlab) * 4);
            float x[4] = {bits.x, bits.y, bits.z, bits.w};
            const int row = firstRow + warp.row + index * kSlabRows + slabRow;
            if (params.partials == nullptr) {
                epilogue.apply(row, index % SLABS_OF_STATS == 0 && pass == 0,
                               index % SLABS_OF_STATS == SLABS_OF_STATS - 1 && pass == PASSES - 1, x);
            } else if (row < params.m && column < params.n) {
                float* partial = params.partials + (static_cast<int64_t>(split) * params.m + row) * params.n + column;
                storeFour<DType::F32>(partial, x, params.vectors, params.n - column);
            }
        }
        if (index + 1 < WarpTile<Config>::SLABS) __syncwarp();
    }
}

/// Where an item of a launch's work lies: a tile of D and a split of the sum. Tiles side by side come first, which read
/// the same rows of A.
template <class Config>
struct MatrixItem {
    int firstRow, firstColumn, split;

    D4J_DEVICE MatrixItem(const EpilogueParams& e, int item) {
        const uint32_t across = ceilDiv(e.n, Config::TILE.n), down = ceilDiv(e.m, Config::TILE.m);
        const uint32_t line = static_cast<uint32_t>(item) / across;
        firstColumn = (item - line * across) * Config::TILE.n;
        split = line / down;
        firstRow = (line - split * down) * Config::TILE.m;
    }
};

/// What follows in the same launch, if anything does.
template <class Config>
D4J_DEVICE void runTail(const EpilogueParams& epilogue, const TailParams& tail) {
    if (tail.barrier != nullptr) {
        matrixTail<kStoredType<Config>, Config::TILE.threads()>(epilogue, tail);
    }
}

}  // namespace d4j
