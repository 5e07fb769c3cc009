// What a matrix kernel does behind its own tiles in the same launch: see common/tail_params.hpp.
#pragma once

#include "arch/grid_barrier.cuh"
#include "common/split_sum.cuh"
#include "common/tail_params.hpp"
#include "norm/group_norm.cuh"
#include "norm/layer_norm.cuh"

namespace d4j {

/// shared: the kernel's dynamic shared memory, of which nobody needs anything any more.
template <DType TYPE, int THREADS>
struct MatrixTail {
    static constexpr int VECTOR = 16 / bytesOf(TYPE);
    const EpilogueParams& epilogue;
    const TailParams& tail;
    float* shared;
    int block, blocks;

    /// Neighbouring pieces go to different blocks: there may be fewer than there are warps.
    template <DType STORED>
    D4J_DEVICE void addSplits() const {
        const int across = ceilDiv(epilogue.n, kSplitSumColumns), pieces = across * ceilDiv(epilogue.m, kStatsRows);
        const int warp = threadIdx.x / kWarp;
#pragma unroll 1
        for (int piece = warp * blocks + block; piece < pieces; piece += THREADS / kWarp * blocks) {
            sumSplits<STORED>(epilogue, tail.splits, piece / across * kStatsRows, piece % across * kSplitSumColumns);
        }
    }

    D4J_DEVICE void mergeGroups() const {
        const int groups = tail.group.merge.groups;
#pragma unroll 1
        for (int i = block; i < groups * tail.group.samples; i += blocks) {
            mergeGroup<THREADS>(tail.group.merge, i % groups, i / groups, reinterpret_cast<Moments*>(shared));
            __syncthreads();  // before the next group's partial results
        }
    }

    D4J_DEVICE void normaliseGroups() const {
        const GroupNormParams& p = tail.group;
        const int rowBlocks = ceilDiv(p.apply.pixels, p.apply.rows);
#pragma unroll 1
        for (int i = block; i < p.samples * rowBlocks * p.columnBlocks; i += blocks) {
            normalise<TYPE, VECTOR, THREADS>(p, i % p.columnBlocks, i / p.columnBlocks % rowBlocks,
                                             i / p.columnBlocks / rowBlocks, shared);
            __syncthreads();  // before the next piece's parameters
        }
    }

    D4J_DEVICE void normaliseRows() const {
        const int warp = threadIdx.x / kWarp;
        layerNorm<TYPE, VECTOR, THREADS>(tail.layer, shared, warp * blocks + block, tail.layer.rows,
                                         THREADS / kWarp * blocks);
    }
};

/// A function of its own: inlined, it would cost the main loop registers.
template <DType TYPE, int THREADS>
__device__ __noinline__ void matrixTail(const EpilogueParams& epilogue, const TailParams& tail, float* shared) {
    const int block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    const int blocks = gridDim.x * gridDim.y * gridDim.z;
    const MatrixTail<TYPE, THREADS> work{epilogue, tail, shared, block, blocks};
    if (tail.splits > 0) {
        gridBarrier(tail.barrier);
        if (tail.floats != 0) {
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
