// Fused attention: every tile of the tensor-core kernels, and the kernels in plain f32 arithmetic.
#include "attention/attention_params.hpp"
#include "test/device/attention_kernel.hpp"

namespace d4j::test {
namespace {

struct Case {
    DType type;
    int batch, heads, headDim, queries, keys;
    bool causal, fused;  // fused: q, k and v are slices of one buffer
    bool plain;          // f32 arithmetic
    double spread;       // of the queries: large ones make one key take all
    bool largeLast = false;  // the values of the last keys, so that few queries that see them count
};

void check(Suite& suite, const Case& c) {
    const int columns = c.heads * c.headDim, outStride = columns + 8;
    const int stride = c.fused ? 3 * columns : columns;
    Tensor q(suite.gpu, c.type, size_t(c.batch) * c.queries * stride);
    Tensor k(suite.gpu, c.type, size_t(c.batch) * c.keys * columns), v(suite.gpu, c.type, k.size());
    Tensor out(suite.gpu, c.type, size_t(c.batch) * c.queries * outStride);
    q.random(suite.random, c.spread);
    k.random(suite.random);
    v.random(suite.random);
    if (c.largeLast) {
        constexpr size_t LAST = 16;
        for (size_t i = v.size() - LAST * columns; i < v.size(); ++i) v.set(i, 64 * v.get(i));
        v.upload();
    }
    out.poison();
    const Tensor& keyRows = c.fused ? q : k;
    const Tensor& valueRows = c.fused ? q : v;
    const int keyAt = c.fused ? columns : 0, valueAt = c.fused ? 2 * columns : 0;
    auto address = [&](const Tensor& tensor, int column) {
        return static_cast<const char*>(tensor.device()) + column * bytesOf(c.type);
    };

    AttentionParams p{};
    p.q = q.device();
    p.k = address(keyRows, keyAt);
    p.v = address(valueRows, valueAt);
    p.out = out.device();
    p.qTokens = c.queries;
    p.kTokens = c.keys;
    p.headDim = c.headDim;
    p.causal = c.causal;
    p.heads = c.heads;
    p.qStride = p.kStride = p.vStride = stride;
    p.outStride = outStride;
    const double scale = 1 / std::sqrt(double(c.headDim));
    p.scaleLog2 = static_cast<float>(scale * 1.4426950408889634);

    const AttentionKernel kernel = attentionKernel(suite, c.type, c.headDim, c.plain);
    suite.gpu.launch(kernel.function, kernel.grid(c.queries, c.heads, c.batch), kernel.threads, kernel.shared, p);
    out.download();
    suite.hash(out);

    RelativeError error;
    const std::vector<double> queries = q.values(), keys = keyRows.values(), values = valueRows.values();
    std::vector<double> weights(c.keys);
    for (int b = 0; b < c.batch; ++b) {
        for (int h = 0; h < c.heads; ++h) {
            for (int i = 0; i < c.queries; ++i) {
                const int seen = c.causal ? i + 1 : c.keys;
                double top = -INFINITY, sum = 0;
                for (int j = 0; j < seen; ++j) {
                    double score = 0;
                    for (int d = 0; d < c.headDim; ++d) {
                        score += queries[size_t(b * c.queries + i) * stride + h * c.headDim + d] *
                                 keys[size_t(b * c.keys + j) * stride + keyAt + h * c.headDim + d];
                    }
                    weights[j] = score * scale;
                    top = std::max(top, weights[j]);
                }
                for (int j = 0; j < seen; ++j) sum += weights[j] = std::exp(weights[j] - top);
                for (int d = 0; d < c.headDim; ++d) {
                    double mean = 0;
                    for (int j = 0; j < seen; ++j) {
                        mean += weights[j] * values[size_t(b * c.keys + j) * stride + valueAt + h * c.headDim + d];
                    }
                    error.add(out.get(size_t(b * c.queries + i) * outStride + h * c.headDim + d), mean / sum);
                }
            }
        }
    }
    for (int row = 0; row < c.batch * c.queries; ++row) {
        for (int column = columns; column < outStride; ++column) {
            if (!std::isnan(out.get(size_t(row) * outStride + column))) error.add(INFINITY, 0);  // not ours to write
        }
    }
    suite.judge(kernel.name + " " + std::to_string(c.batch) + "x" + std::to_string(c.heads) + "x" + std::to_string(c.headDim) +
                    " queries " + std::to_string(c.queries) + " keys " + std::to_string(c.keys) +
                    (c.causal ? " causal" : "") + (c.fused ? " fused" : ""),
                error.value(), tolerance(c.type));
}

}  // namespace

void attentionCases(Suite& suite) {
    for (const DType type : {DType::F16, DType::BF16}) {
        for (const int headDim : {8, 24, 32, 40, 48, 64, 80, 104, 128, 160, 256}) {
            check(suite, {type, suite.uniform(1, 2), suite.uniform(2, 3), headDim, suite.uniform(1, 140), 77, false, false, false, 1});
            const int tokens = suite.uniform(65, 150);
            check(suite, {type, 1, 2, headDim, tokens, tokens, true, true, false, 1});
            // The last of three tiles is all but full, and lies where the output will leave.
            const int keys = 3 * kAttentionTiles[pickAttentionTile(headDim)].keys - 1;
            check(suite, {type, 1, 1, headDim, 40, keys, false, false, false, 1});
        }
        check(suite, {type, 9, 1, 40, 1, 1, false, false, false, 1});
        // The queries from 640 on see six tiles of 96 keys whole, and two in part: nearly all of the last.
        check(suite, {type, 1, 1, 32, 762, 762, true, false, false, 1});
        // Scores that outgrow the reference of the first tile, again and again.
        for (const int headDim : {32, 40, 64, 128, 160, 256}) {
            check(suite, {type, 1, 1, headDim, 33, 400, false, false, false, 8});
            check(suite, {type, 1, 1, headDim, 50, 400, false, false, false, 60});
        }
        for (int i = 0; i < 8; ++i) {
            const bool causal = i % 2 == 0;
            const int keys = suite.uniform(1, 300), queries = causal ? keys : suite.uniform(1, 300);
            check(suite, {type, suite.uniform(1, 9), suite.uniform(1, 2), 8 * suite.uniform(1, 32), queries, keys, causal,
                          causal, false, 1});
        }
    }
    for (const DType type : {DType::F32, DType::F16, DType::BF16}) {
        for (const int headDim : {1, 7, 40, 57, 64, 155, 160, 251, 257, 520}) {
            check(suite, {type, 1, 2, headDim, suite.uniform(1, 90), suite.uniform(1, 90), false, false, true, 1});
            const int tokens = suite.uniform(30, 90);
            check(suite, {type, 1, 1, headDim, tokens, tokens, true, true, true, 1});
        }
    }
    for (const DType type : {DType::F16, DType::BF16}) {
        for (const AttentionTile& tile : kAttentionTiles) {
            // Warps without queries, for which the loop over tiles is another one.
            check(suite, {type, 1, 1, tile.headDim, 3, 6 * tile.keys + 1, false, false, false, 1});
            // Queries that are not the first see the last two tiles in part, and the last is all but full.
            const int tokens = ceilDiv(250, tile.keys) * tile.keys - 6;
            check(suite, {type, 1, 1, tile.headDim, tokens, tokens, true, false, false, 1, true});
            if (!tile.sumByMma) continue;
            // An odd number of steps of 16 keys at the end of the first tile, and of the second.
            for (int keys = 9; keys < 2 * tile.keys; keys += 32) {
                check(suite, {type, 1, 1, tile.headDim, attentionQueries(tile), keys, false, false, false, 1});
            }
        }
    }
}

}  // namespace d4j::test
