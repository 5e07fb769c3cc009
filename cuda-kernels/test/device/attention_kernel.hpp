// The attention kernel for a head, and its launch.
#pragma once

#include <string>

#include "attention/attention_config.hpp"
#include "test/device/suite.hpp"

namespace d4j::test {

struct AttentionKernel {
    std::string name;
    void* function;
    int threads, queries, heads;  // of a block
    int slices;                   // of a head, a block each
    int shared;

    Gpu::Grid grid(int queryCount, int headCount, int batch) const {
        return {ceilDiv(queryCount, queries), ceilDiv(headCount, heads) * slices, batch};
    }
};

/// plain: in f32 arithmetic.
inline AttentionKernel attentionKernel(Suite& suite, DType type, int headDim, bool plain) {
    const std::string stored = storageName(type);
    if (plain) {
        const int columns = kFmaHeadDims[pickAttentionFma(headDim)];
        const std::string name = "attention_fma_" + stored + "_d" + std::to_string(columns);
        void* function = suite.gpu.kernel(suite.module("attention_fma"), name.c_str(), 0);
        return {name, function, kFmaThreads, kFmaQueries, 1, ceilDiv(headDim, columns), 0};
    }
    const AttentionTile& tile = kAttentionTiles[pickAttentionTile(headDim)];
    const std::string module = "attention_" + stored, name = module + "_d" + std::to_string(tile.headDim);
    const int shared = attentionSharedBytes(tile);
    void* function = suite.gpu.kernel(suite.module(module), name.c_str(), shared);
    return {name, function, 32 * tile.warps, attentionQueries(tile), tile.heads, 1, shared};
}

}  // namespace d4j::test
