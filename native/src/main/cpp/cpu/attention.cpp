// Attention: every tile of queries of every head is an independent piece of work.
#include "d4j_cpu.h"
#include "attention_kernels.hpp"
#include "isa.hpp"
#include "op.hpp"
#include "status.hpp"

#include <algorithm>
#include <utility>

#include <omp.h>

namespace d4j {

namespace {

enum Address { kQ, kK, kV, kDst, kScratch, kAddresses };

const AttentionKernels& attention_kernels() {
    static const AttentionKernels& chosen =
        for_isa(attention_baseline, attention_avx2, attention_avx512, attention_avx512bf16);
    return chosen;
}

class Attention final : public Op {
public:
    Attention(std::shared_ptr<Engine> engine, const d4j_attention_desc& d);

    std::size_t scratch_bytes() const override { return static_cast<std::size_t>(team_) * thread_bytes(); }
    std::string implementation() const override { return own_implementation(); }
    void bind(const std::int64_t* addresses) override { std::copy_n(addresses, int{kAddresses}, addresses_); }
    void run() override;

private:
    std::size_t thread_bytes() const {
        const auto bytes = static_cast<std::size_t>(attention_kernels().scratch(d_.head_dim)) * sizeof(float);
        return (bytes + kAlignment - 1) / kAlignment * kAlignment;
    }
    void run_tile(std::int64_t index, int thread) const;

    const std::shared_ptr<Engine> engine_;
    d4j_attention_desc d_;
    int team_ = 1;
    std::int64_t tiles_ = 1;  // per head
    std::int64_t addresses_[kAddresses] = {};
};

Attention::Attention(std::shared_ptr<Engine> engine, const d4j_attention_desc& d)
    : Op(kAddresses), engine_(std::move(engine)), d_(d) {
    require_activation_dtype(d.dtype);
    require_positive(d.batch, "batch");
    require_positive(d.heads, "heads");
    require_positive(d.head_dim, "head_dim");
    require_positive(d.q_tokens, "q_tokens");
    require_positive(d.k_tokens, "k_tokens");
    require(d.causal == 0 || d.q_tokens == d.k_tokens, "causal attention needs as many keys as queries");
    const std::int64_t columns = std::int64_t{d.heads} * d.head_dim;
    d_.q_stride = static_cast<int>(row_stride(d.q_stride, columns, "q_stride"));
    d_.k_stride = static_cast<int>(row_stride(d.k_stride, columns, "k_stride"));
    d_.v_stride = static_cast<int>(row_stride(d.v_stride, columns, "v_stride"));
    d_.dst_stride = static_cast<int>(row_stride(d.dst_stride, columns, "dst_stride"));
    team_ = team_for(*engine_, 2.0 * d.batch * d.heads * d.head_dim * static_cast<double>(d.q_tokens) * d.k_tokens);
    tiles_ = (d.q_tokens + attention_kernels().queries - 1) / attention_kernels().queries;
}

void Attention::run() {
    const std::int64_t count = tiles_ * d_.batch * d_.heads;
    if (team_ == 1) {
        for (std::int64_t i = 0; i < count; ++i) run_tile(i, 0);
        return;
    }
    // Dynamic: causal tiles differ in length.
#pragma omp parallel for schedule(dynamic) num_threads(team_)
    for (std::int64_t i = 0; i < count; ++i) run_tile(i, omp_get_thread_num());
}

void Attention::run_tile(std::int64_t index, int thread) const {
    const AttentionKernels& kernels = attention_kernels();
    const std::int64_t tile = index % tiles_, head = index / tiles_ % d_.heads, sample = index / tiles_ / d_.heads;
    const auto element = static_cast<std::int64_t>(dtype_bytes(d_.dtype));
    const std::int64_t query = tile * kernels.queries;
    const std::int64_t column = head * d_.head_dim;
    const std::int64_t q_row = sample * d_.q_tokens + query, k_row = sample * d_.k_tokens;
    AttentionTile t{};
    t.q = at<const char>(addresses_[kQ]) + (q_row * d_.q_stride + column) * element;
    t.k = at<const char>(addresses_[kK]) + (k_row * d_.k_stride + column) * element;
    t.v = at<const char>(addresses_[kV]) + (k_row * d_.v_stride + column) * element;
    t.dst = at<char>(addresses_[kDst]) + (q_row * d_.dst_stride + column) * element;
    t.q_stride = d_.q_stride;
    t.k_stride = d_.k_stride;
    t.v_stride = d_.v_stride;
    t.dst_stride = d_.dst_stride;
    t.head_dim = d_.head_dim;
    t.queries = static_cast<int>(std::min<std::int64_t>(kernels.queries, d_.q_tokens - query));
    t.first_query = static_cast<int>(query);
    t.keys = d_.k_tokens;
    t.causal = d_.causal != 0;
    t.scale = d_.scale;
    t.scratch = at<float>(addresses_[kScratch] + thread * static_cast<std::int64_t>(thread_bytes()));
    kernels.run(d_.dtype, t);
}

}  // namespace

}  // namespace d4j

int d4j_attention_create(int64_t engine, const d4j_attention_desc* desc, int64_t* op) {
    return d4j::guarded([&] { *op = d4j::op_handle(std::make_unique<d4j::Attention>(d4j::engine_of(engine), *desc)); });
}
