// Elementwise and row kernels: cuda-kernels/elementwise.
#include "elementwise/elementwise_params.hpp"
#include "frequencies.hpp"
#include "program.hpp"

#include <algorithm>
#include <string>

namespace d4j::cuda {

namespace {

template <class Params>
void addItems(Program& program, std::string kernel, std::int64_t items, const Params& params) {
    program.add("elementwise", std::move(kernel), {blocksOf(items, kElementwiseThreads)}, kElementwiseThreads, 0, params);
}

std::string typed(const char* name, DType type) { return std::string(name) + storageName(type); }

std::string typed(const char* name, DType src, DType dst) { return typed(name, src) + "_" + storageName(dst); }

int strideOf(std::int32_t given, std::int32_t dense) { return given == 0 ? dense : given; }

/// Items of a kernel that moves rows in runs.
std::int64_t rowItems(std::int64_t rows, int columns, int run) { return rows * ceilDiv(columns, run); }

Pointwise pointwiseOf(std::int32_t kind) {
    switch (kind) {
        case D4J_ELEMENTWISE_SILU: return Pointwise::Silu;
        case D4J_ELEMENTWISE_ADD: return Pointwise::Add;
        case D4J_ELEMENTWISE_SCALE: return Pointwise::Scale;
        default: throw std::invalid_argument("not an elementwise kind");
    }
}

void addElementwise(Program& program, const d4j_elementwise_desc& d, const std::int64_t* at) {
    require(d.count > 0, "count must be positive");
    const DType src = dtypeOf(d.src_dtype), dst = dtypeOf(d.dst_dtype);
    PointwiseParams p{};
    p.a = pointer(at[0]);
    p.b = pointer(at[1]);
    p.dst = pointer(at[2]);
    p.count = p.bCount = d.count;
    p.kind = pointwiseOf(d.kind);
    p.scale = d.scale;
    p.aligned = (at[0] | at[1] | at[2]) % 16 == 0;
    const int run = runOf(src, dst);
    addItems(program, typed("pointwise_", src, dst), (d.count + run - 1) / run, p);
}

void addCopy(Program& program, const d4j_copy_desc& d, const std::int64_t* at) {
    require(d.rows > 0 && d.columns > 0, "sizes of a copy must be positive");
    const DType src = dtypeOf(d.src_dtype), dst = dtypeOf(d.dst_dtype);
    RowsParams p{};
    p.src = pointer(at[0]);
    p.dst = pointer(at[1]);
    p.rows = d.rows;
    p.columns = d.columns;
    p.srcStride = strideOf(d.src_stride, d.columns);
    p.dstStride = strideOf(d.dst_stride, d.columns);
    p.aligned = elementwiseAligned(static_cast<std::uint64_t>(at[0] | at[1]),
                                   static_cast<std::uint64_t>(p.columns | p.srcStride | p.dstStride));
    addItems(program, typed("copy_", src, dst), rowItems(p.rows, p.columns, runOf(src, dst)), p);
}

void addGeglu(Program& program, const d4j_geglu_desc& d, const std::int64_t* at) {
    require(d.rows > 0 && d.c > 0, "sizes of GEGLU must be positive");
    const DType type = dtypeOf(d.dtype);
    RowsParams p{};
    p.src = pointer(at[0]);
    p.dst = pointer(at[1]);
    p.rows = d.rows;
    p.columns = d.c;
    p.srcStride = strideOf(d.src_stride, 2 * d.c);
    p.dstStride = strideOf(d.dst_stride, d.c);
    p.aligned = elementwiseAligned(static_cast<std::uint64_t>(at[0] | at[1]),
                                   static_cast<std::uint64_t>(p.columns | p.srcStride | p.dstStride));
    addItems(program, typed("geglu_", type), rowItems(p.rows, p.columns, runOf(type, type)), p);
}

void addEmbeddingLookup(Program& program, const d4j_embedding_lookup_desc& d, const std::int64_t* at) {
    require(d.count > 0 && d.c > 0, "sizes of an embedding lookup must be positive");
    const DType type = dtypeOf(d.dst_dtype);
    RowsParams p{};
    p.src = pointer(d.table);
    p.extra = pointer(at[0]);
    p.dst = pointer(at[1]);
    p.rows = d.count;
    p.columns = p.srcStride = d.c;
    p.dstStride = strideOf(d.dst_stride, d.c);
    p.aligned = elementwiseAligned(static_cast<std::uint64_t>(d.table | at[1]),
                                   static_cast<std::uint64_t>(p.columns | p.dstStride));
    addItems(program, typed("embedding_lookup_", type), rowItems(p.rows, p.columns, runOf(type, type)), p);
}

void addResample(Program& program, const d4j_resample_desc& d, const std::int64_t* at) {
    require(d.n > 0 && d.h > 0 && d.w > 0 && d.c > 0, "sizes of a resampling must be positive");
    const bool pool = d.kind == D4J_RESAMPLE_AVG_POOL_2X2;
    require(pool || d.kind == D4J_RESAMPLE_NEAREST_2X, "not a resampling kind");
    require(!pool || (d.h % 2 == 0 && d.w % 2 == 0), "an image that is pooled 2x2 has even sides");
    const DType type = dtypeOf(d.dtype);
    const int factor = pool ? 2 : 1;
    const ResampleParams p{pointer(at[0]),
                           pointer(at[1]),
                           d.n,
                           d.h / factor,
                           d.w / factor,
                           d.c,
                           elementwiseAligned(static_cast<std::uint64_t>(at[0] | at[1]), static_cast<std::uint64_t>(d.c)),
                           0};
    addItems(program, typed(pool ? "avg_pool_" : "upsample_nearest_", type),
             rowItems(std::int64_t{p.samples} * p.height * p.width, d.c, runOf(type, type)), p);
}

void addTimestep(Program& program, const d4j_timestep_desc& d, const std::int64_t* at) {
    require(d.n > 0 && d.dim > 0, "sizes of a timestep embedding must be positive");
    TimestepParams p{};
    p.timesteps = pointer<const float>(at[0]);
    p.dst = pointer<float>(at[1]);
    p.frequencies = pointer<const float>(at[2]);
    p.samples = d.n;
    p.dim = d.dim;
    p.dstStride = strideOf(d.dst_stride, d.dim);
    p.cosineFirst = d.flip_sin_to_cos;
    p.fourier = d.kind == D4J_TIMESTEP_FOURIER ? 1 : 0;
    p.log = d.log;
    p.scale = d.scale;
    addItems(program, "timestep_embedding", std::int64_t{d.n} * ceilDiv(d.dim, 2), p);
}

/// Runs the body of an entry point with the program.
template <class Body>
int append(std::int64_t program, Body body) {
    return guarded([&] { body(program_of(program)); });
}

}  // namespace

}  // namespace d4j::cuda

using d4j::cuda::Program;

int d4j_cuda_elementwise(int64_t program, const d4j_elementwise_desc* desc, const int64_t* at) {
    return d4j::cuda::append(program, [&](Program& p) { d4j::cuda::addElementwise(p, *desc, at); });
}

int d4j_cuda_copy(int64_t program, const d4j_copy_desc* desc, const int64_t* at) {
    return d4j::cuda::append(program, [&](Program& p) { d4j::cuda::addCopy(p, *desc, at); });
}

int d4j_cuda_geglu(int64_t program, const d4j_geglu_desc* desc, const int64_t* at) {
    return d4j::cuda::append(program, [&](Program& p) { d4j::cuda::addGeglu(p, *desc, at); });
}

int d4j_cuda_embedding_lookup(int64_t program, const d4j_embedding_lookup_desc* desc, const int64_t* at) {
    return d4j::cuda::append(program, [&](Program& p) { d4j::cuda::addEmbeddingLookup(p, *desc, at); });
}

int d4j_cuda_resample(int64_t program, const d4j_resample_desc* desc, const int64_t* at) {
    return d4j::cuda::append(program, [&](Program& p) { d4j::cuda::addResample(p, *desc, at); });
}

int d4j_cuda_timestep(int64_t program, const d4j_timestep_desc* desc, const int64_t* at) {
    return d4j::cuda::append(program, [&](Program& p) { d4j::cuda::addTimestep(p, *desc, at); });
}

int d4j_cuda_timestep_frequencies(const d4j_timestep_desc* desc, float* frequencies) {
    return d4j::guarded([&] {
        const std::vector<float> all = d4j::sinusoidal_frequencies(desc->dim, desc->downscale_freq_shift, desc->max_period);
        std::copy(all.begin(), all.end(), frequencies);
    });
}
