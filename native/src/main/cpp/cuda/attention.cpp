// Attention: cuda-kernels/attention. Tensor cores for aligned f16 and bf16 of up to 256 columns, plain f32 arithmetic for
// the rest.
#include "attention/attention_config.hpp"
#include "attention/attention_params.hpp"
#include "program.hpp"

#include <string>

namespace d4j::cuda {

namespace {

constexpr float kLog2E = 1.44269504088896341f;

void addAttention(Program& program, const d4j_attention_desc& d, const std::int64_t* at) {
    require(d.batch > 0 && d.heads > 0 && d.head_dim > 0 && d.q_tokens > 0 && d.k_tokens > 0,
            "sizes of attention must be positive");
    require(d.scale > 0, "the scale of attention must be positive");
    require(d.causal == 0 || d.q_tokens == d.k_tokens, "causal attention has as many keys as queries");
    const DType type = dtypeOf(d.dtype);
    const int dense = d.heads * d.head_dim;
    AttentionParams p{};
    p.q = pointer(at[0]);
    p.k = pointer(at[1]);
    p.v = pointer(at[2]);
    p.out = pointer(at[3]);
    p.qTokens = d.q_tokens;
    p.kTokens = d.k_tokens;
    p.headDim = d.head_dim;
    p.heads = d.heads;
    p.causal = d.causal;
    p.qStride = d.q_stride == 0 ? dense : d.q_stride;
    p.kStride = d.k_stride == 0 ? dense : d.k_stride;
    p.vStride = d.v_stride == 0 ? dense : d.v_stride;
    p.outStride = d.dst_stride == 0 ? dense : d.dst_stride;
    p.scaleLog2 = d.scale * kLog2E;

    const auto addresses = static_cast<std::uint64_t>(at[0] | at[1] | at[2] | at[3]);
    const bool halves = type == DType::F16 || type == DType::BF16;
    const int mma = pickAttentionTile(d.head_dim);
    if (halves && mma >= 0 &&
        attentionAligned(addresses, d.head_dim, p.qStride, p.kStride, p.vStride, p.outStride)) {
        const AttentionTile& tile = kAttentionTiles[mma];
        const std::string image = std::string("attention_") + storageName(type);
        program.add(image, image + "_d" + std::to_string(tile.headDim),
                    {ceilDiv(d.q_tokens, attentionQueries(tile)), ceilDiv(d.heads, tile.heads), d.batch},
                    32 * tile.warps, attentionSharedBytes(tile), p);
        return;
    }
    const int columns = kFmaHeadDims[pickAttentionFma(d.head_dim)];
    program.add("attention_fma", std::string("attention_fma_") + storageName(type) + "_d" + std::to_string(columns),
                {ceilDiv(d.q_tokens, kFmaQueries), d.heads * ceilDiv(d.head_dim, columns), d.batch}, kFmaThreads, 0, p);
}

}  // namespace

}  // namespace d4j::cuda

int d4j_cuda_attention(int64_t program, const d4j_attention_desc* desc, const int64_t* addresses) {
    return d4j::guarded([&] { d4j::cuda::addAttention(d4j::cuda::program_of(program), *desc, addresses); });
}
