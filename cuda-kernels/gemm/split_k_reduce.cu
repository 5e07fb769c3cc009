// The second half of a split sum: adds the partial results of all splits in their order and applies the epilogue.
//
// A warp has 32 rows (one block of statistics) and 64 columns; sixteen lanes are a row, four columns each.
// Grid: x pieces of 4 * 64 columns, y blocks of 32 rows.
#include "common/epilogue.cuh"
#include "gemm/gemm_params.hpp"

namespace d4j {

template <DType TYPE>
D4J_DEVICE void splitKReduce(const SplitKReduceParams& p) {
    constexpr int LANES = kSplitKReduceColumns / kEpilogueColumns;
    using Epilogue = RowEpilogue<TYPE, LANES>;
    const EpilogueParams& e = p.epilogue;
    const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
    const int firstColumn = (blockIdx.x * kSplitKReduceWarps + warp) * kSplitKReduceColumns;
    if (firstColumn >= e.n) {
        return;
    }
    const int column = firstColumn + lane % LANES * kEpilogueColumns;
    const int64_t splitPitch = static_cast<int64_t>(e.m) * e.n;
    constexpr int PASSES = kStatsRows / Epilogue::ROWS_AT_ONCE;
    Epilogue epilogue(e, column);
#pragma unroll 1
    for (int pass = 0; pass < PASSES; ++pass) {
        const int row = blockIdx.y * kStatsRows + pass * Epilogue::ROWS_AT_ONCE + lane / LANES;
        float sum[4] = {};
        if (row < e.m && column < e.n) {
            const float* partial = e.partials + static_cast<int64_t>(row) * e.n + column;
            for (int split = 0; split < p.splits; ++split) {
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

extern "C" __global__ void __launch_bounds__(kSplitKReduceWarps * 32, 8)
    split_k_reduce_f16(const __grid_constant__ SplitKReduceParams p) {
    splitKReduce<DType::F16>(p);
}

extern "C" __global__ void __launch_bounds__(kSplitKReduceWarps * 32, 8)
    split_k_reduce_bf16(const __grid_constant__ SplitKReduceParams p) {
    splitKReduce<DType::BF16>(p);
}

/// Of f32 and tf32.
extern "C" __global__ void __launch_bounds__(kSplitKReduceWarps * 32, 8)
    split_k_reduce_f32(const __grid_constant__ SplitKReduceParams p) {
    splitKReduce<DType::F32>(p);
}

}  // namespace d4j
