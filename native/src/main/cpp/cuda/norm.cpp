// GroupNorm and LayerNorm: cuda-kernels/norm.
#include "norm/norm_config.hpp"
#include "norm/norm_params.hpp"
#include "program.hpp"

#include <string>

namespace d4j::cuda {

namespace {

std::string kernelOf(const char* name, DType type, int vector) {
    return std::string(name) + storageName(type) + (vector == 1 ? "_scalar" : "");
}

DType storedType(DType type) { return type == DType::TF32 ? DType::F32 : type; }

struct Statistics {
    const ChannelStats* stats;
    int rows;
};

/// The statistics of one source: what its producer left, or a kernel's. `offset` in scratch moves on by what they take.
Statistics statisticsOf(Program& program, const d4j_group_norm_desc& d, DType type, std::int64_t src, int channels,
                        std::int64_t given, std::int64_t& offset) {
    if (channels == 0) return {nullptr, kStatsRows};
    if (given != 0) return {pointer<const ChannelStats>(given), kStatsRows};
    const int rows = groupNormStatsRows(d.hw), blocks = ceilDiv(d.hw, rows);
    const std::int64_t bytes = std::int64_t{d.n} * blocks * channels * static_cast<std::int64_t>(sizeof(ChannelStats));
    auto* const stats = program.scratch<ChannelStats>(offset, bytes);
    offset += alignScratch(bytes);
    const int vector = normVector(type, channels, 0), columns = normColumns(channels / vector);
    program.add("norm", kernelOf("group_norm_stats_", type, vector), {ceilDiv(channels / vector, columns), blocks, d.n},
                kNormThreads, 0, GroupNormStatsParams{pointer(src), stats, d.hw, channels, rows, columns});
    return {stats, rows};
}

void addGroupNorm(Program& program, const d4j_group_norm_desc& d, const std::int64_t* at) {
    const int channels = d.c0 + d.c1;
    require(d.n > 0 && d.hw > 0 && d.c0 > 0 && d.c1 >= 0, "sizes of a group norm must be positive");
    require(d.groups > 0 && channels % d.groups == 0, "groups must divide the channels");
    require(d.src_dtype == d.dst_dtype || (d.src_dtype == D4J_TF32 && d.dst_dtype == D4J_F32),
            "a group norm keeps its dtype");
    const DType type = dtypeOf(d.src_dtype);
    std::int64_t offset = 0;
    const Statistics first = statisticsOf(program, d, type, at[0], d.c0, at[5], offset);
    const Statistics second = statisticsOf(program, d, type, at[1], d.c1, at[6], offset);

    GroupNormParams p{};
    GroupNormMergeParams& m = p.merge;
    m.stats0 = first.stats;
    m.stats1 = second.stats;
    m.gamma = pointer<const float>(d.gamma);
    m.beta = pointer<const float>(d.beta);
    m.embedding = d.embedding ? pointer<const float>(at[2]) : nullptr;
    m.film = d.film ? pointer<const float>(at[3]) : nullptr;
    m.moments = program.scratch<float>(offset, std::int64_t{d.n} * d.groups * 2 * 4);
    m.pixels = d.hw;
    m.channels0 = d.c0;
    m.channels1 = d.c1;
    m.groups = d.groups;
    m.rows0 = first.rows;
    m.rows1 = second.rows;
    m.embeddingStride = d.embedding_stride;
    m.filmStride = d.film_stride;
    m.eps = d.eps;
    p.samples = d.n;
    const int vector = normVector(type, d.c0, d.c1);
    OpenTail* const tail = program.openTail(pointer(at[0]), storedType(type), std::int64_t{d.n} * d.hw, d.c0);
    const bool inTail = tail != nullptr && vector > 1;
    const int columns = normColumns(channels / vector, inTail ? tailColumns(tail->launch->threads) : kNormColumnsMax);
    p.columnBlocks = ceilDiv(channels / vector, columns);
    p.apply = {pointer(at[0]), pointer(at[1]), m.moments, pointer(at[4]), d.hw,
               d.c0,           d.c1,           kGroupNormRows, columns,   activationOf(d.activation)};
    if (inTail) {
        // As many pieces as blocks, but of some rows, to be worth a channel's parameters.
        constexpr int kLeastRows = 8;
        const std::int64_t blocks = std::min(tail->launch->grid.x, tail->resident);
        const std::int64_t share = (std::int64_t{d.n} * d.hw * p.columnBlocks + blocks - 1) / blocks;
        p.apply.rows = static_cast<int>(std::clamp<std::int64_t>(share, kLeastRows, kGroupNormRows));
        program.closeTail(*tail, TailNorm::Group).group = p;
        return;
    }
    p.progress = program.counters(groupNormProgress(d.n));
    program.add("norm", kernelOf("group_norm_", type, vector), {groupNormBlocks(p)}, kNormThreads, 0, p);
}

void addLayerNorm(Program& program, const d4j_layer_norm_desc& d, const std::int64_t* at) {
    require(d.rows > 0 && d.c > 0, "sizes of a layer norm must be positive");
    const DType type = dtypeOf(d.src_dtype);
    LayerNormParams p{};
    p.src = pointer(at[0]);
    p.gamma = pointer<const float>(d.gamma);
    p.beta = pointer<const float>(d.beta);
    p.dst = pointer(at[1]);
    p.rows = d.rows;
    p.channels = d.c;
    p.srcStride = d.src_stride == 0 ? d.c : d.src_stride;
    p.dstStride = d.dst_stride == 0 ? d.c : d.dst_stride;
    p.eps = d.eps;
    // 16-byte accesses need rows, strides and addresses of that.
    const bool aligned = (at[0] | at[1]) % 16 == 0;
    const int vector = aligned && normVector(type, p.srcStride, p.dstStride) > 1 ? normVector(type, d.c, 0) : 1;
    OpenTail* const tail = program.openTail(p.src, storedType(type), d.rows, d.c);
    if (tail != nullptr && vector > 1 && p.srcStride == d.c && d.c <= tailChannels(tail->launch->sharedBytes)) {
        program.closeTail(*tail, TailNorm::Layer).layer = p;
        return;
    }
    program.add("norm", kernelOf("layer_norm_", type, vector), {blocksOf(d.rows, kLayerNormRows)}, kNormThreads,
                8 * d.c, p);
}

}  // namespace

}  // namespace d4j::cuda

int64_t d4j_cuda_statistics_bytes(int32_t n, int32_t hw, int32_t c) {
    if (n <= 0 || hw <= 0 || c <= 0 || !d4j::statsPossible(hw)) return 0;
    return int64_t{n} * (hw / d4j::kStatsRows) * c * static_cast<int64_t>(sizeof(d4j::ChannelStats));
}

int d4j_cuda_group_norm(int64_t program, const d4j_group_norm_desc* desc, const int64_t* addresses) {
    return d4j::guarded([&] { d4j::cuda::addGroupNorm(d4j::cuda::program_of(program), *desc, addresses); });
}

int d4j_cuda_layer_norm(int64_t program, const d4j_layer_norm_desc* desc, const int64_t* addresses) {
    return d4j::guarded([&] { d4j::cuda::addLayerNorm(d4j::cuda::program_of(program), *desc, addresses); });
}
