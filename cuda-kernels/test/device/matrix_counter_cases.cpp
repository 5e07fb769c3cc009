// What the matrix kernels cost on the shapes of Stable Diffusion 1.5's U-Net at batch 2, by the virtual GPU's exact counters.
// The first row of tiles stands for the launch, except where its time is wanted: all rows do the same.
#include "common/packed_weights.hpp"
#include "common/tile_choice.hpp"
#include "conv/conv_params.hpp"
#include "conv/conv_tiles.hpp"
#include "gemm/gemm_params.hpp"
#include "gemm/gemm_tiles.hpp"
#include "test/device/counters.hpp"

namespace d4j::test {
namespace {

constexpr double kProducts = 1.15;  // executed per useful

/// launch(m) computes the first m rows; usefulFlops: of each.
template <class Launch>
void measure(Suite& suite, const std::string& name, DType type, int rows, int tileRows, double usefulFlops, Launch launch) {
    const int first = std::min(rows, tileRows);
    launch(first);
    Counters counters(suite, name);
    counters.judgeAccesses();
    if (type != DType::F32) counters.judgeProducts(first * usefulFlops, kProducts);
    printTimeOf(suite, name, [&] { launch(rows); });
}

void conv(Suite& suite, DType type, int size, int c0, int c1, int k, int window) {
    const int batch = 2, rows = batch * size * size, taps = window * window;
    const PackedWeights packed{k, taps, c0, c1, sliceElements(type), false};
    const MatrixChoice choice =
        chooseTile(kConvTiles, {type, rows, k, packed.slices(), batch, suite.gpu.multiprocessors(), false});
    const NamedTile& tile = kConvTiles[choice.tile];
    const DType f32 = DType::F32;
    Tensor source0(suite.gpu, type, size_t(rows) * c0), source1(suite.gpu, type, size_t(rows) * c1);
    Tensor weights(suite.gpu, type, packed.elements()), residual(suite.gpu, type, size_t(rows) * k);
    Tensor output(suite.gpu, type, size_t(rows) * k), bias(suite.gpu, f32, k);
    Tensor stats(suite.gpu, f32, size_t(rows) / kStatsRows * k * 2), partials(suite.gpu, f32, size_t(choice.splits) * rows * k);

    ConvParams p{};
    p.source0 = source0.device();
    p.source1 = source1.device();
    p.weights = weights.device();
    p.c0 = c0, p.c1 = c1;
    p.t = p.outT = p.kernelT = 1;
    p.h = p.w = p.outH = p.outW = size;
    p.kernelH = p.kernelW = window;
    p.strideT = p.strideH = p.strideW = 1;
    p.padTop = p.padLeft = window / 2;
    p.slices = packed.slices();
    p.slicesPerSplit = choice.slicesPerSplit;
    EpilogueParams& e = p.epilogue;
    e.destination = output.device();
    e.residual = residual.device();
    e.bias = static_cast<const float*>(bias.device());
    e.stats = static_cast<ChannelStats*>(stats.device());
    e.partials = choice.splits > 1 ? static_cast<float*>(partials.device()) : nullptr;
    e.destinationPitch = e.residualPitch = k;
    e.n = k;
    e.scale = 1;
    e.vectors = vectorsPossible(e, type);
    const int shared = convSharedBytes(tile.shape, convSegments(p));
    void* kernel = suite.gpu.kernel(suite.module("conv_fprop"), tile.name, shared);
    measure(suite, std::string(tile.name) + " " + std::to_string(size) + " " + std::to_string(c0) + "+" + std::to_string(c1),
            type, rows, tile.shape.m, 2.0 * k * taps * (c0 + c1), [&](int m) {
                e.m = m;
                suite.gpu.launch(kernel, {int(matrixItems(tile.shape, m, k, choice.splits)), 1, 1}, tile.shape.threads(),
                                 shared, p);
            });
}

void gemm(Suite& suite, DType type, int rows, int n, int k) {
    const PackedWeights packed{n, 1, k, 0, sliceElements(type), false};
    const MatrixChoice choice = chooseTile(kGemmTiles, {type, rows, n, packed.slices(), 2, suite.gpu.multiprocessors(), true});
    const NamedTile& tile = kGemmTiles[choice.tile];
    Tensor a(suite.gpu, type, size_t(rows) * k), weights(suite.gpu, type, packed.elements());
    Tensor output(suite.gpu, type, size_t(rows) * n);
    Tensor partials(suite.gpu, DType::F32, size_t(choice.splits) * rows * n);
    GemmParams p{};
    p.a = a.device();
    p.weights = weights.device();
    p.pitch = p.k = k;
    p.slices = packed.slices();
    p.slicesPerSplit = choice.slicesPerSplit;
    EpilogueParams& e = p.epilogue;
    e.destination = output.device();
    e.partials = choice.splits > 1 ? static_cast<float*>(partials.device()) : nullptr;
    e.destinationPitch = n;
    e.n = n;
    e.scale = 1;
    e.vectors = vectorsPossible(e, type);
    const int shared = gemmSharedBytes(tile.shape);
    void* kernel = suite.gpu.kernel(suite.module("gemm"), tile.name, shared);
    measure(suite, std::string(tile.name) + " n" + std::to_string(n) + " k" + std::to_string(k), type, rows, tile.shape.m,
            2.0 * n * k, [&](int m) {
                e.m = m;
                suite.gpu.launch(kernel, {int(matrixItems(tile.shape, m, n, choice.splits)), 1, 1}, tile.shape.threads(),
                                 shared, p);
            });
}

/// A time embedding's layer: bound by reading the weights.
void linearSmall(Suite& suite, DType type, int n, int k) {
    constexpr int ROWS = 2;
    Tensor x(suite.gpu, DType::F32, size_t(ROWS) * k), weights(suite.gpu, type, size_t(n) * k);
    Tensor bias(suite.gpu, DType::F32, n), output(suite.gpu, DType::F32, size_t(ROWS) * n);
    for (Tensor* tensor : {&x, &weights, &bias}) tensor->random(suite.random);
    LinearSmallParams p{};
    p.x = static_cast<const float*>(x.device());
    p.weights = weights.device();
    p.bias = static_cast<const float*>(bias.device());
    p.destination = static_cast<float*>(output.device());
    p.pitch = p.weightPitch = p.k = k;
    p.destinationPitch = p.n = n;
    p.m = ROWS;
    p.activation = Activation::Silu;
    p.vectors = 1;
    const std::string name = std::string("linear_small_") + storageName(type);
    suite.gpu.launch(suite.gpu.kernel(suite.module("linear_small"), name.c_str(), 0), {ceilDiv(n, kLinearSmallWarps), 1, 1},
                     kLinearSmallWarps * 32, 0, p);
    Counters counters(suite, name + " n" + std::to_string(n) + " k" + std::to_string(k));
    counters.judgeAccesses();
    counters.printTime();
}

}  // namespace

void matrixCounterCases(Suite& suite) {
    for (const DType type : {DType::F16, DType::BF16, DType::TF32}) {
        conv(suite, type, 64, 320, 0, 320, 3);
        conv(suite, type, 64, 320, 320, 320, 3);
        conv(suite, type, 64, 640, 320, 320, 1);
        conv(suite, type, 32, 640, 0, 640, 3);
        conv(suite, type, 16, 1280, 0, 1280, 3);
        conv(suite, type, 8, 1280, 0, 1280, 3);
        gemm(suite, type, 8192, 320, 320);
        gemm(suite, type, 2048, 5120, 640);
        gemm(suite, type, 512, 1280, 1280);
        gemm(suite, type, 154, 640, 768);
    }
    for (const DType type : {DType::F32, DType::F16, DType::BF16}) {
        linearSmall(suite, type, 1280, 320);
        linearSmall(suite, type, 640, 1280);
    }
    conv(suite, DType::F32, 64, 320, 0, 320, 3);
    conv(suite, DType::F32, 16, 1280, 0, 1280, 1);
}

}  // namespace d4j::test
