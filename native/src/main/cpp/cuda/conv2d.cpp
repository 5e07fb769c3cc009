// Convolution forward: cuda-kernels/conv.
#include "conv/conv_params.hpp"
#include "conv/conv_tiles.hpp"
#include "matrix.hpp"

namespace d4j::cuda {

namespace {

int outputSize(int size, int upsample, int before, int after, int kernel, int stride) {
    return (size * upsample + before + after - kernel) / stride + 1;
}

ConvParams paramsOf(const d4j_conv2d_desc& d, const ConvAddresses& at) {
    ConvParams p{};
    p.source0 = pointer(at.src0);
    p.source1 = d.c1 > 0 ? pointer(at.src1) : nullptr;
    p.weights = pointer(d.weight);
    p.c0 = d.c0;
    p.c1 = d.c1;
    p.t = p.outT = p.kernelT = p.strideT = 1;
    p.h = d.h;
    p.w = d.w;
    p.upsample = d.upsample == 2 ? 1 : 0;
    p.outH = outputSize(d.h, d.upsample, d.pad_top, d.pad_bottom, d.kh, d.stride_h);
    p.outW = outputSize(d.w, d.upsample, d.pad_left, d.pad_right, d.kw, d.stride_w);
    require(p.outH > 0 && p.outW > 0, "the convolution has no output");
    p.kernelH = d.kh;
    p.kernelW = d.kw;
    p.strideH = d.stride_h;
    p.strideW = d.stride_w;
    p.padTop = d.pad_top;
    p.padLeft = d.pad_left;
    p.shortcut0 = pointer(at.shortcut0);
    p.shortcut1 = pointer(at.shortcut1);
    p.s0 = d.shortcut_c0;
    p.s1 = d.shortcut_c1;
    return p;
}

void fillEpilogue(EpilogueParams& e, const d4j_conv2d_desc& d, const ConvAddresses& at, int pixels) {
    e.destination = pointer(at.dst);
    e.destinationPitch = at.dstPitch;
    e.bias = pointer<const float>(d.bias);
    e.residual = d.residual ? pointer(at.residual) : nullptr;
    e.residualPitch = at.residualPitch;
    e.embedding = pointer<const float>(at.embedding);
    e.embeddingPitch = d.embedding_stride;
    e.rowsPerSample = pixels;
    e.stats = pointer<ChannelStats>(at.statistics);
    e.m = count31(std::int64_t{d.n} * pixels, "the convolution has too many output pixels");
    e.n = d.k;
    e.activation = activationOf(d.activation);
    e.scale = d.scale;
}

}  // namespace

void addConv2d(Program& program, const d4j_conv2d_desc& d, const ConvAddresses& at) {
    require(d.n > 0 && d.h > 0 && d.w > 0 && d.c0 > 0 && d.c1 >= 0 && d.k > 0, "sizes of a convolution must be positive");
    require(d.kh > 0 && d.kw > 0 && d.stride_h > 0 && d.stride_w > 0, "kernel and stride must be positive");
    require(d.upsample == 1 || d.upsample == 2, "upsample must be 1 or 2");
    const DType type = dtypeOf(d.src_dtype);
    const bool any = layoutOf(type, d.c0, d.c1) == D4J_CUDA_SLICES_ANY;
    ConvParams p = paramsOf(d, at);
    require(convSegments(p) <= kMaxSegments, "the filter has more than 64 taps over all its sources");
    fillEpilogue(p.epilogue, d, at, p.outH * p.outW);
    const PackedWeights packed{d.k, d.kh * d.kw, d.c0, d.c1, sliceElements(type), any};
    p.slices = packed.slices();
    if (d.shortcut_c0 > 0) {
        require(!any && channelsAligned(type, d.shortcut_c0, d.shortcut_c1),
                "a convolution with a shortcut needs channels that fill 16 bytes");
        p.slices += PackedWeights{d.k, 1, d.shortcut_c0, d.shortcut_c1, sliceElements(type), false}.slices();
    }
    const MatrixOp op{type, d.dst_dtype == D4J_F32, d.n, p.slices};
    const MatrixChoice choice = any ? choose(program, kConvAnyTiles, op, p.epilogue)
                                    : choose(program, kConvTiles, op, p.epilogue);
    const NamedTile& tile = any ? kConvAnyTiles[choice.tile] : kConvTiles[choice.tile];
    p.slicesPerSplit = choice.slicesPerSplit;
    const int segments = any ? d.kh * d.kw : convSegments(p);
    addMatrix(program, "conv_fprop", tile, op, choice.splits, convSharedBytes(tile.shape, segments), p);
}

}  // namespace d4j::cuda

int32_t d4j_cuda_conv2d_layout(const d4j_conv2d_desc* desc) {
    int32_t layout = -1;
    d4j::guarded([&] { layout = d4j::cuda::layoutOf(d4j::cuda::dtypeOf(desc->src_dtype), desc->c0, desc->c1); });
    return layout;
}

int d4j_cuda_conv2d(int64_t program, const d4j_conv2d_desc* desc, const int64_t* at) {
    return d4j::guarded([&] {
        d4j::cuda::addConv2d(d4j::cuda::program_of(program), *desc,
                             {at[0], at[1], at[2], at[3], at[4], at[5], desc->k, desc->k, at[6], at[7]});
    });
}
