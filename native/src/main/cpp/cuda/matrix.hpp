// What convolutions and linear layers share: the choice of a tile, and the way of the accumulators to their destination.
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
    const MatrixProblem problem{op.type,    epilogue.m,           epilogue.n,            op.slices,
                                op.samples, program.device.count, program.batchInvariant};
    const MatrixChoice choice = chooseTile(tiles, problem);
    require(choice.tile >= 0, "no kernel computes in this dtype");
    return choice;
}

/// Blocks of a tile that are resident together.
inline std::int64_t residentBlocks(const Program& program, const TileShape& tile, int sharedBytes) {
    constexpr int kReserved = 1024, kUnit = 128;  // shared memory of each block that is the driver's, and its granularity
    const int needed = ceilDiv(sharedBytes + kReserved, kUnit) * kUnit;
    return std::int64_t{program.device.count} * std::min(tile.blocksPerSm, program.device.sharedBytes / needed);
}

/// Adds a matrix kernel, all of whose parameters but the routes of its accumulators are set. They go straight to the
/// destination, or through scratch as f32 and a tail that adds them up: if the sum is split, or if the destination has a
/// type that the kernel does not store.
template <class Params>
void addMatrix(Program& program, const char* image, const NamedTile& tile, const MatrixOp& op, int splits,
               int sharedBytes, Params& p) {
    EpilogueParams& e = p.epilogue;
    const bool converted = op.floatDestination && bytesOf(op.type) != 4;
    const bool tail = splits > 1 || converted;
    if (tail) {
        e.partials = program.scratch<float>(0, std::int64_t{splits} * e.m * e.n * 4);
        p.tail.splits = splits;
        p.tail.floats = converted ? 1 : 0;
    }
    e.vectors = vectorsPossible(e, op.stored()) ? 1 : 0;
    const std::int64_t items = matrixItems(tile.shape, e.m, e.n, splits);
    Launch& launch = program.add(image, tile.name, {items}, tile.shape.threads(), sharedBytes, p);
    TailParams& params = reinterpret_cast<Params*>(launch.params)->tail;
    const bool dense = e.destinationPitch == e.n && e.activation != Activation::Geglu && !converted;
    const OpenTail open{&launch, &params, dense ? e.destination : nullptr, op.stored(), e.m, e.n,
                        residentBlocks(program, tile.shape, sharedBytes)};
    if (tail) program.useTail(open);
    program.offerTail(open);
}

/// Where a convolution reads and writes; a linear layer without a kernel of its own is a 1x1 convolution of these.
struct ConvAddresses {
    std::int64_t src0, src1, embedding, residual, dst, statistics;
    std::int64_t dstPitch, residualPitch;  // elements
    std::int64_t shortcut0 = 0, shortcut1 = 0;
};

void addConv2d(Program& program, const d4j_conv2d_desc& desc, const ConvAddresses& at);

}  // namespace d4j::cuda
