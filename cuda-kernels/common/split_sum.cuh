// The sum of the partial results of all splits, in their order, and its epilogue.
#pragma once

#include "common/epilogue.cuh"

namespace d4j {

/// By one warp: a block of statistics (32 rows) by kSplitSumColumns columns; sixteen lanes are a row, four columns each.
template <DType TYPE>
D4J_DEVICE void sumSplits(const EpilogueParams& e, int splits, int firstRow, int firstColumn) {
    constexpr int LANES = kSplitSumColumns / kEpilogueColumns;
    using Epilogue = RowEpilogue<TYPE, LANES>;
    const int lane = threadIdx.x % kWarp;
    const int column = firstColumn + lane % LANES * kEpilogueColumns;
    const int64_t splitPitch = static_cast<int64_t>(e.m) * e.n;
    constexpr int PASSES = kStatsRows / Epilogue::ROWS_AT_ONCE;
    Epilogue epilogue(e, column);
#pragma unroll 1
    for (int pass = 0; pass < PASSES; ++pass) {
        const int row = firstRow + pass * Epilogue::ROWS_AT_ONCE + lane / LANES;
        float sum[4] = {};
        if (row < e.m && column < e.n) {
            const float* partial = e.partials + static_cast<int64_t>(row) * e.n + column;
            for (int split = 0; split < splits; ++split) {
                float x[4];
                loadFour<DType::F32>(x, partial + split * splitPitch, e.vectors, e.n - column);
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    sum[i] += x[i];
                }
            }
        }
        epilogue.apply(row, pass == 0, pass == PASSES - 1, sum);
    }
}

}  // namespace d4j
