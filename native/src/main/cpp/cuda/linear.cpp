// Linear layers: cuda-kernels/gemm. What its kernels cannot read (two sources, rows that fill no 16 bytes) is a 1x1
// convolution.
#include "elementwise/elementwise_params.hpp"
#include "gemm/gemm_tiles.hpp"
#include "matrix.hpp"

namespace d4j::cuda {

namespace {

struct LinearAddresses {
    std::int64_t src0, src1, residual, dst, statistics;
};

std::int64_t stride(std::int32_t given, std::int32_t dense) { return given == 0 ? dense : given; }

void addSmall(Program& program, const d4j_linear_desc& d, bool siluInput, const LinearAddresses& at) {
    require(d.src_dtype == D4J_F32 && d.dst_dtype == D4J_F32 && !d.residual && d.scale == 1.0f,
            "a linear layer of few rows is f32, without residual and scale");
    LinearSmallParams p{};
    p.x = pointer<const float>(at.src0);
    p.pitch = stride(d.src0_stride, d.k0);
    if (d.k1 > 0) {
        // Two sources become one row in scratch: some hundred numbers a sample.
        float* const row = program.scratch<float>(0, std::int64_t{4} * d.m * (d.k0 + d.k1));
        const auto copy = [&](std::int64_t src, std::int32_t srcStride, std::int32_t from, std::int32_t columns) {
            RowsParams rows{};
            rows.src = pointer(src);
            rows.dst = row + from;
            rows.rows = d.m;
            rows.columns = columns;
            rows.srcStride = static_cast<std::int32_t>(stride(srcStride, columns));
            rows.dstStride = d.k0 + d.k1;
            const std::int64_t items = std::int64_t{d.m} * ceilDiv(columns, runOf(DType::F32, DType::F32));
            program.add("elementwise", "copy_f32_f32", {blocksOf(items, kElementwiseThreads)}, kElementwiseThreads, 0,
                        rows);
        };
        copy(at.src0, d.src0_stride, 0, d.k0);
        copy(at.src1, d.src1_stride, d.k0, d.k1);
        p.x = row;
        p.pitch = d.k0 + d.k1;
    }
    p.weights = pointer(d.weight);
    p.bias = pointer<const float>(d.bias);
    p.destination = pointer<float>(at.dst);
    p.weightPitch = d.k0 + d.k1;
    p.destinationPitch = stride(d.dst_stride, d.n);
    p.m = d.m;
    p.n = d.n;
    p.k = d.k0 + d.k1;
    p.siluInput = siluInput ? 1 : 0;
    p.activation = activationOf(d.activation);
    p.vectors = p.pitch % 8 == 0 && p.weightPitch % 8 == 0 && at.src0 % 16 == 0 && d.weight % 16 == 0 ? 1 : 0;
    program.add("linear_small", "linear_small_f32", {blocksOf(d.n, kLinearSmallWarps), blocksOf(d.m, kLinearSmallRows)},
                kLinearSmallWarps * 32, 0, p);
}

void addGemm(Program& program, const d4j_linear_desc& d, int samples, const LinearAddresses& at) {
    const DType type = dtypeOf(d.src_dtype);
    GemmParams p{};
    p.a = pointer(at.src0);
    p.pitch = stride(d.src0_stride, d.k0);
    require(at.src0 % 16 == 0 && fillsChunks(type, static_cast<int>(p.pitch)),
            "the rows of a linear layer's source must begin at multiples of 16 bytes");
    p.weights = pointer(d.weight);
    p.k = d.k0;
    p.slices = PackedWeights{d.n, 1, d.k0, 0, sliceElements(type), false}.slices();
    EpilogueParams& e = p.epilogue;
    e.destination = pointer(at.dst);
    e.destinationPitch = stride(d.dst_stride, d.activation == D4J_ACTIVATION_GEGLU ? d.n / 2 : d.n);
    e.bias = pointer<const float>(d.bias);
    e.residual = d.residual ? pointer(at.residual) : nullptr;
    e.residualPitch = stride(d.residual_stride, d.n);
    e.rowsPerSample = d.m;
    e.stats = pointer<ChannelStats>(at.statistics);
    e.m = d.m;
    e.n = d.n;
    e.activation = activationOf(d.activation);
    e.scale = d.scale;
    const MatrixOp op{type, d.dst_dtype == D4J_F32, samples, p.slices};
    const MatrixChoice choice = choose(program, kGemmTiles, op, e);
    const NamedTile& tile = kGemmTiles[choice.tile];
    p.slicesPerSplit = choice.slicesPerSplit;
    addMatrix(program, "gemm", tile, op, choice.splits, gemmSharedBytes(tile.shape), p);
}

void addAsConv(Program& program, const d4j_linear_desc& d, int samples, const LinearAddresses& at) {
    require(stride(d.src0_stride, d.k0) == d.k0 && (d.k1 == 0 || stride(d.src1_stride, d.k1) == d.k1),
            "a linear layer of two sources, or of rows that fill no 16 bytes, reads dense rows only");
    require(d.activation != D4J_ACTIVATION_GEGLU, "GEGLU of rows that fill no 16 bytes has a kernel of its own");
    d4j_conv2d_desc conv;
    conv.weight = d.weight;
    conv.bias = d.bias;
    conv.src_dtype = d.src_dtype;
    conv.dst_dtype = d.dst_dtype;
    conv.n = samples;
    conv.h = d.m / samples;
    conv.w = 1;
    conv.c0 = d.k0;
    conv.c1 = d.k1;
    conv.k = d.n;
    conv.residual = d.residual;
    conv.activation = d.activation;
    conv.scale = d.scale;
    addConv2d(program, conv,
              {at.src0, at.src1, 0, at.residual, at.dst, at.statistics, stride(d.dst_stride, d.n),
               stride(d.residual_stride, d.n)});
}

}  // namespace

}  // namespace d4j::cuda

int32_t d4j_cuda_linear_layout(const d4j_linear_desc* desc, int32_t few_rows) {
    int32_t layout = -1;
    d4j::guarded([&] {
        layout = few_rows != 0 && desc->src_dtype == D4J_F32
                     ? D4J_CUDA_ROWS
                     : d4j::cuda::layoutOf(d4j::cuda::dtypeOf(desc->src_dtype), desc->k0, desc->k1);
    });
    return layout;
}

int d4j_cuda_linear(int64_t program, const d4j_linear_desc* desc, int32_t layout, int32_t samples, int32_t silu_input,
                    const int64_t* addresses) {
    return d4j::guarded([&] {
        using namespace d4j::cuda;
        const d4j_linear_desc& d = *desc;
        d4j::require(d.m > 0 && d.n > 0 && d.k0 > 0 && d.k1 >= 0, "sizes of a linear layer must be positive");
        d4j::require(samples > 0 && d.m % samples == 0, "samples must divide the rows of a linear layer");
        d4j::require(silu_input == 0 || layout == D4J_CUDA_ROWS, "silu of the input exists for few rows only");
        const LinearAddresses at{addresses[0], addresses[1], addresses[2], addresses[3], addresses[4]};
        if (layout == D4J_CUDA_ROWS) {
            addSmall(program_of(program), d, silu_input != 0, at);
        } else if (layout == D4J_CUDA_SLICES && d.k1 == 0) {
            addGemm(program_of(program), d, samples, at);
        } else {
            addAsConv(program_of(program), d, samples, at);
        }
    });
}
