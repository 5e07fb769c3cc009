// What convolutions and linear layers share: the epilogue, the choice of a tile, and the second half of a split sum.
#pragma once

#include "common/packed_weights.hpp"
#include "common/tile_choice.hpp"
#include "gemm/gemm_params.hpp"
#include "program.hpp"

#include <string>

namespace d4j::cuda {

/// A source of `channels` is read 16 bytes at a time.
constexpr bool fillsChunks(DType type, int channels) { return channels * bytesOf(type) % 16 == 0; }

constexpr bool channelsAligned(DType type, int c0, int c1) { return fillsChunks(type, c0) && fillsChunks(type, c1); }

constexpr int layoutOf(DType type, int c0, int c1) {
    return channelsAligned(type, c0, c1) ? D4J_CUDA_SLICES : D4J_CUDA_SLICES_ANY;
}

/// A product D [m, n] whose destination may be f32 beside 16-bit sources.
struct MatrixOp {
    DType type;             // of sources and weights
    bool floatDestination;  // f32, whatever `type` is
    int samples;            // that m consists of
    int slices;             // along the sum

    DType stored() const { return floatDestination ? DType::F32 : type; }
};

template <int COUNT>
MatrixChoice choose(const Program& program, const NamedTile (&tiles)[COUNT], const MatrixOp& op,
                    const EpilogueParams& epilogue) {
    const MatrixProblem problem{op.type,    epilogue.m,              epilogue.n,          op.slices,
                                op.samples, program.multiprocessors, program.batchInvariant};
    const MatrixChoice choice = chooseTile(tiles, problem);
    require(choice.tile >= 0, "no kernel computes in this dtype");
    return choice;
}

/// Decides where the accumulators go: through scratch as f32 if the sum is split, or if the destination has a type that
/// the kernel does not store; else straight to the destination. Call it last, when every other field is set.
inline bool routeAccumulators(Program& program, const MatrixOp& op, int splits, EpilogueParams& epilogue) {
    const bool throughScratch = splits > 1 || (op.floatDestination && bytesOf(op.type) != 4);
    if (throughScratch) {
        const std::int64_t floats = std::int64_t{splits} * epilogue.m * epilogue.n;
        epilogue.partials = program.scratch<float>(0, floats * 4);
    }
    epilogue.vectors = vectorsPossible(epilogue, op.stored()) ? 1 : 0;
    return throughScratch;
}

/// The epilogue of accumulators that went through scratch.
inline void reduceSplits(Program& program, const MatrixOp& op, int splits, const EpilogueParams& epilogue) {
    program.add("split_k_reduce", std::string("split_k_reduce_") + storageName(op.stored()),
                {blocksOf(epilogue.n, kSplitKReduceWarps * kSplitKReduceColumns), blocksOf(epilogue.m, kStatsRows)},
                kSplitKReduceWarps * 32, 0, SplitKReduceParams{epilogue, splits});
}

/// Where a convolution reads and writes; a linear layer without a kernel of its own is a 1x1 convolution of these.
struct ConvAddresses {
    std::int64_t src0, src1, embedding, residual, dst, statistics;
    std::int64_t dstPitch, residualPitch;  // elements
};

void addConv2d(Program& program, const d4j_conv2d_desc& desc, const ConvAddresses& at);

}  // namespace d4j::cuda
