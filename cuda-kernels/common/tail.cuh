// What a matrix kernel does behind its own tiles in the same launch: see common/tail_params.hpp.
#pragma once

#include "arch/grid_barrier.cuh"
#include "common/split_sum.cuh"
#include "common/tail_params.hpp"
#include "norm/group_norm.cuh"
#include "norm/layer_norm.cuh"

namespace d4j {

/// The kernel's dynamic shared memory, of which nobody needs anything any more. As an argument of the tail, its accesses
/// would be to generic addresses.
D4J_DEVICE float* tailShared() {
    extern __shared__ __align__(128) float shared[];
    return shared;
}

/// By the blocks of a grid of one dimension.
template <DType TYPE, int THREADS>
struct MatrixTail {
    static constexpr int VECTOR = 16 / bytesOf(TYPE);
    const EpilogueParams& epilogue;
    const TailParams& tail;

    /// Neighbouring pieces go to different blocks: there may be fewer than there are warps.
    template <DType STORED>
    D4J_DEVICE void addSplits() const {
        const int across = ceilDiv(epilogue.n, kSplitSumColumns), pieces = across * ceilDiv(epilogue.m, kStatsRows);
        const int warp = threadIdx.x / kWarp;
#pragma unroll 1
        for (int piece = warp * gridDim.x + blockIdx.x; piece < pieces; piece += THREADS / kWarp * gridDim.x) {
            sumSplits<STORED>(epilogue, tail.splits, piece / across * kStatsRows, piece % across * kSplitSumColumns);
        }
    }

    D4J_DEVICE void mergeGroups() const {
        const int groups = tail.group.merge.groups;
#pragma unroll 1
        for (int i = blockIdx.x; i < groups * tail.group.samples; i += gridDim.x) {
            mergeGroup<THREADS>(tail.group.merge, i % groups, i / groups, reinterpret_cast<Moments*>(tailShared()));
            __syncthreads();  // before the next group's partial results
        }
    }

    D4J_DEVICE void normaliseGroups() const {
        const GroupNormParams& p = tail.group;
        const int rowBlocks = ceilDiv(p.apply.pixels, p.apply.rows);
#pragma unroll 1
        for (int i = blockIdx.x; i < p.samples * rowBlocks * p.columnBlocks; i += gridDim.x) {
            normalise<TYPE, VECTOR, THREADS>(p, i % p.columnBlocks, i / p.columnBlocks % rowBlocks,
                                             i / p.columnBlocks / rowBlocks, tailShared());
            __syncthreads();  // before the next piece's parameters
        }
    }

    D4J_DEVICE void normaliseRows() const {
        const int warp = threadIdx.x / kWarp;
        layerNorm<TYPE, VECTOR, THREADS>(tail.layer, tailShared(), warp * gridDim.x + blockIdx.x, tail.layer.rows,
                                         THREADS / kWarp * gridDim.x);
    }
};

/// A function of its own: inlined, it would cost the main loop registers.
template <DType TYPE, int THREADS>
__device__ __noinline__ void matrixTail(const EpilogueParams& epilogue, const TailParams& tail) {
    const MatrixTail<TYPE, THREADS> work{epilogue, tail};
    if (tail.splits > 0) {
        gridBarrier(tail.barrier);
        if (bytesOf(TYPE) != 4 && tail.floats != 0) {
            work.template addSplits<DType::F32>();
        } else {
            work.template addSplits<TYPE>();
        }
    }
    if (tail.norm == TailNorm::None) return;
    gridBarrier(tail.barrier);
    if (tail.norm == TailNorm::Layer) {
        work.normaliseRows();
        return;
    }
    work.mergeGroups();
    gridBarrier(tail.barrier);
    work.normaliseGroups();
}

}  // namespace d4j
