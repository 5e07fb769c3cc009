// What attention costs on the shapes of Stable Diffusion 1.5's U-Net: 8 heads, self and with 77 context tokens. The first
// block stands for the launch.
#include "attention/attention_config.hpp"
#include "attention/attention_params.hpp"
#include "test/device/counters.hpp"

namespace d4j::test {
namespace {

constexpr double kProducts = 1.10;  // executed per useful

/// plain: f32 arithmetic.
void attention(Suite& suite, DType type, int headDim, int queries, int keys, bool plain = false) {
    constexpr int HEADS = 8;
    const bool self = queries == keys;
    const int columns = HEADS * headDim, fused = 3 * columns;
    // Self-attention reads slices of one projection, cross-attention has keys and values in one of their own.
    const int qStride = self ? fused : columns, kStride = self ? fused : 2 * columns;
    Tensor q(suite.gpu, type, size_t(queries) * qStride), kv(suite.gpu, type, size_t(keys) * kStride);
    Tensor out(suite.gpu, type, size_t(queries) * columns);
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
    const std::string module = std::string("attention_") + (plain ? "fma" : storageName(type));
    const AttentionTile& tile = kAttentionTiles[pickAttentionTile(headDim)];
    const std::string name = std::string("attention_") + (plain ? "fma_" : "") + storageName(type) + "_d" +
                             std::to_string(plain ? kFmaHeadDims[pickAttentionFma(headDim)] : tile.headDim);
    const int shared = plain ? 0 : attentionSharedBytes(tile);
    void* kernel = suite.gpu.kernel(suite.module(module), name.c_str(), shared);
    suite.gpu.launch(kernel, {1, 1, 1}, plain ? kFmaThreads : 32 * tile.warps, shared, p);
    Counters counters(suite, name + " queries " + std::to_string(queries) + " keys " + std::to_string(keys));
    counters.judgeAccesses();
    if (plain) return;
    const double rows = tile.heads * std::min(queries, attentionQueries(tile));
    counters.judgeProducts(4 * rows * keys * headDim, kProducts);
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
        attention(suite, DType::F32, headDim, 256, 256, true);
        attention(suite, DType::F32, headDim, 256, 77, true);
    }
}

}  // namespace d4j::test
