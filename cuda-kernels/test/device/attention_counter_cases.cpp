// What attention costs on the shapes of Stable Diffusion 1.5's U-Net: 8 heads, self and with 77 context tokens. The first
// block stands for the launch, except where its time is wanted.
#include "attention/attention_params.hpp"
#include "test/device/attention_kernel.hpp"
#include "test/device/counters.hpp"

namespace d4j::test {
namespace {

constexpr double kProducts = 1.10;  // executed per useful

/// f32 in plain arithmetic.
void attention(Suite& suite, DType type, int headDim, int queries, int keys) {
    constexpr int HEADS = 8, BATCH = 2;
    const bool self = queries == keys;
    const int columns = HEADS * headDim, fused = 3 * columns;
    // Self-attention reads slices of one projection, cross-attention has keys and values in one of their own.
    const int qStride = self ? fused : columns, kStride = self ? fused : 2 * columns;
    Tensor q(suite.gpu, type, size_t(BATCH) * queries * qStride), kv(suite.gpu, type, size_t(BATCH) * keys * kStride);
    Tensor out(suite.gpu, type, size_t(BATCH) * queries * columns);
    q.random(suite.random);
    kv.random(suite.random);
    const char* keysAt = static_cast<const char*>(self ? q.device() : kv.device());
    AttentionParams p{};
    p.q = q.device();
    const int bytes = bytesOf(type);
    p.k = keysAt + (self ? columns * bytes : 0);
    p.v = keysAt + (self ? 2 * columns : columns) * bytes;
    p.out = out.device();
    p.qTokens = queries;
    p.kTokens = keys;
    p.headDim = headDim;
    p.heads = HEADS;
    p.qStride = qStride;
    p.kStride = p.vStride = kStride;
    p.outStride = columns;
    p.scaleLog2 = 1.442695f / std::sqrt(float(headDim));
    const AttentionKernel kernel = attentionKernel(suite, type, headDim, type == DType::F32);
    suite.gpu.launch(kernel.function, {1, 1, 1}, kernel.threads, kernel.shared, p);
    const std::string name = kernel.name + " queries " + std::to_string(queries) + " keys " + std::to_string(keys);
    Counters counters(suite, name);
    counters.judgeAccesses();
    if (type != DType::F32) {
        const double rows = kernel.heads * std::min(queries, kernel.queries);
        counters.judgeProducts(4 * rows * keys * headDim, kProducts);
    }
    printTimeOf(suite, name, [&] {
        suite.gpu.launch(kernel.function, kernel.grid(queries, HEADS, BATCH), kernel.threads, kernel.shared, p);
    });
}

}  // namespace

void attentionCounterCases(Suite& suite) {
    for (const DType type : {DType::F16, DType::BF16}) {
        attention(suite, type, 40, 4096, 4096);
        attention(suite, type, 40, 4096, 77);
        attention(suite, type, 64, 1024, 1024);
        attention(suite, type, 64, 1024, 77);
        attention(suite, type, 80, 1024, 1024);
        attention(suite, type, 80, 1024, 77);
        attention(suite, type, 128, 256, 256);
        attention(suite, type, 128, 256, 77);
        attention(suite, type, 160, 256, 256);
        attention(suite, type, 160, 256, 77);
        attention(suite, type, 160, 64, 64);
        attention(suite, type, 160, 64, 77);
    }
    for (const int headDim : {40, 80, 160}) {
        attention(suite, DType::F32, headDim, 256, 256);
        attention(suite, DType::F32, headDim, 256, 77);
    }
}

}  // namespace d4j::test
