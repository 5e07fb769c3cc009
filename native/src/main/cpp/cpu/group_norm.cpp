// Group normalisation in three steps, one OpenMP region:
//   1. moments of every group over every chunk of pixels,
//   2. mean and variance of every group, from its chunks in order; from these, per sample and channel, three numbers
//      that hold normalisation, affine, embedding and FiLM: y = (x - shift) * factor + offset,
//   3. that, and the activation, over all pixels.
// Chunks depend on the image alone, and everything between pixels and vectors is in double: the bits of a sample depend
// neither on its batch nor on the threads, and a large mean does not cancel.
#include "d4j_cpu.h"
#include "isa.hpp"
#include "norm_kernels.hpp"
#include "op.hpp"
#include "status.hpp"
#include "weight.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <omp.h>

namespace d4j {

namespace {

enum Address { kSrc0, kSrc1, kEmbedding, kFilm, kDst, kScratch, kAddresses };

// Sums over a chunk are in f32 relative to its first pixel: 64 of them keep the error of the variance near 1e-6 even
// where that pixel is an outlier.
constexpr std::int64_t kChunk = 64;

struct Moments {
    double mean;
    double squares;  // sum of the squared differences from the mean
};

class GroupNorm final : public Op {
public:
    GroupNorm(std::shared_ptr<Engine> engine, const d4j_group_norm_desc& d);

    std::size_t scratch_bytes() const override { return moments_bytes() + coefficient_bytes() + column_bytes(); }
    std::string implementation() const override { return own_implementation(); }
    void bind(const std::int64_t* addresses) override { std::copy_n(addresses, int{kAddresses}, addresses_); }
    void run() override;

private:
    std::size_t moments_bytes() const {
        return static_cast<std::size_t>(d_.n * chunks_ * d_.groups) * sizeof(Moments);
    }
    std::size_t coefficient_bytes() const { return static_cast<std::size_t>(3 * d_.n * c_) * sizeof(float); }
    std::size_t column_bytes() const { return static_cast<std::size_t>(3 * team_ * c_) * sizeof(float); }
    Moments* moments(std::int64_t sample, std::int64_t chunk) const {
        return at<Moments>(addresses_[kScratch]) + (sample * chunks_ + chunk) * d_.groups;
    }
    // shift, factor and offset, c values each.
    float* coefficients(std::int64_t sample) const {
        return at<float>(addresses_[kScratch] + static_cast<std::int64_t>(moments_bytes())) + sample * 3 * c_;
    }
    float* columns(int thread) const {
        return at<float>(addresses_[kScratch] + static_cast<std::int64_t>(moments_bytes() + coefficient_bytes())) +
               thread * 3 * c_;
    }
    float embedding(std::int64_t sample, std::int64_t channel) const {
        return d_.embedding == 0 ? 0.0f
                                 : at<const float>(addresses_[kEmbedding])[sample * d_.embedding_stride + channel];
    }
    std::int64_t pixels_of(std::int64_t chunk) const { return std::min(kChunk, d_.hw - chunk * kChunk); }

    void chunk_moments(std::int64_t sample, std::int64_t chunk, float* columns) const;
    void group_coefficients(std::int64_t sample, std::int64_t group) const;
    void apply(std::int64_t sample, std::int64_t chunk) const;

    const std::shared_ptr<Engine> engine_;
    d4j_group_norm_desc d_;
    const std::int64_t c_, per_group_, chunks_;
    const int team_;
    std::shared_ptr<Weight> gamma_, beta_;
    std::int64_t addresses_[kAddresses] = {};
};

GroupNorm::GroupNorm(std::shared_ptr<Engine> engine, const d4j_group_norm_desc& d)
    : Op(kAddresses),
      engine_(std::move(engine)),
      d_(d),
      c_(std::int64_t{d.c0} + d.c1),
      per_group_(c_ / std::max(d.groups, 1)),
      chunks_((d.hw + kChunk - 1) / kChunk),
      team_(team_for(*engine_, 20.0 * d.n * d.hw * static_cast<double>(c_))) {
    require_activation_dtype(d.src_dtype);
    require_activation_dtype(d.dst_dtype);
    require_positive(d.n, "n");
    require_positive(d.hw, "hw");
    require_positive(d.c0, "c0");
    require(d.c1 >= 0, "c1 is negative");
    require_positive(d.groups, "groups");
    require(c_ % d.groups == 0, "groups must divide the channels");
    require(d.eps > 0, "eps must be positive");
    require(d.activation == D4J_ACTIVATION_NONE || d.activation == D4J_ACTIVATION_SILU,
            "a group norm's activation is none or silu");
    d_.embedding_stride = static_cast<int>(row_stride(d.embedding_stride, c_, "embedding_stride"));
    d_.film_stride = static_cast<int>(row_stride(d.film_stride, 2 * c_, "film_stride"));
    gamma_ = optional_vector(d.gamma, c_, "gamma");
    beta_ = optional_vector(d.beta, c_, "beta");
}

void GroupNorm::chunk_moments(std::int64_t sample, std::int64_t chunk, float* columns) const {
    float *const first = columns, *const sum = columns + c_, *const squares = columns + 2 * c_;
    const std::int64_t rows = pixels_of(chunk);
    const std::int64_t row = sample * d_.hw + chunk * kChunk;
    const auto element = static_cast<std::int64_t>(dtype_bytes(d_.src_dtype));
    norm_kernels().column_moments(d_.src_dtype, at<const char>(addresses_[kSrc0]) + row * d_.c0 * element, rows, d_.c0,
                                  first, sum, squares);
    if (d_.c1 > 0) {
        norm_kernels().column_moments(d_.src_dtype, at<const char>(addresses_[kSrc1]) + row * d_.c1 * element, rows,
                                      d_.c1, first + d_.c0, sum + d_.c0, squares + d_.c0);
    }
    Moments* const groups = moments(sample, chunk);
    const double inverse_rows = 1.0 / static_cast<double>(rows);
    const auto mean_of = [&](std::int64_t c) {
        return static_cast<double>(first[c]) + embedding(sample, c) + sum[c] * inverse_rows;
    };
    for (std::int64_t group = 0; group < d_.groups; ++group) {
        const std::int64_t begin = group * per_group_, end = begin + per_group_;
        double mean = 0;
        for (std::int64_t c = begin; c < end; ++c) mean += mean_of(c);
        mean /= static_cast<double>(per_group_);
        double within = 0, between = 0;
        for (std::int64_t c = begin; c < end; ++c) {
            const double s = sum[c], d = mean_of(c) - mean;
            within += squares[c] - s * s * inverse_rows;
            between += d * d;
        }
        groups[group] = {mean, within + between * static_cast<double>(rows)};
    }
}

void GroupNorm::group_coefficients(std::int64_t sample, std::int64_t group) const {
    double mean = 0;
    for (std::int64_t chunk = 0; chunk < chunks_; ++chunk) {
        mean += moments(sample, chunk)[group].mean * static_cast<double>(pixels_of(chunk));
    }
    mean /= static_cast<double>(d_.hw);
    double squares = 0;
    for (std::int64_t chunk = 0; chunk < chunks_; ++chunk) {
        const Moments& m = moments(sample, chunk)[group];
        const double d = m.mean - mean;
        squares += m.squares + d * d * static_cast<double>(pixels_of(chunk) * per_group_);
    }
    const double variance = std::max(squares, 0.0) / static_cast<double>(d_.hw * per_group_);
    const double rstd = 1.0 / std::sqrt(variance + static_cast<double>(d_.eps));

    float *const shift = coefficients(sample), *const factor = shift + c_, *const offset = shift + 2 * c_;
    const float* film = d_.film == 0 ? nullptr : at<const float>(addresses_[kFilm]) + sample * d_.film_stride;
    for (std::int64_t c = group * per_group_; c < (group + 1) * per_group_; ++c) {
        double scale = gamma_ == nullptr ? 1.0 : gamma_->plain<float>()[c];
        double bias = beta_ == nullptr ? 0.0 : beta_->plain<float>()[c];
        if (film != nullptr) {
            scale *= 1.0 + film[c];
            bias = bias * (1.0 + film[c]) + film[c_ + c];
        }
        const double exact = mean - embedding(sample, c);
        shift[c] = static_cast<float>(exact);
        factor[c] = static_cast<float>(rstd * scale);
        // What rounding took from the shift goes to the offset.
        offset[c] = static_cast<float>(bias - (exact - shift[c]) * rstd * scale);
    }
}

void GroupNorm::apply(std::int64_t sample, std::int64_t chunk) const {
    const float* shift = coefficients(sample);
    const std::int64_t row = sample * d_.hw + chunk * kChunk;
    const auto src = static_cast<std::int64_t>(dtype_bytes(d_.src_dtype));
    const auto dst = static_cast<std::int64_t>(dtype_bytes(d_.dst_dtype));
    const bool silu = d_.activation == D4J_ACTIVATION_SILU;
    char* const out = at<char>(addresses_[kDst]) + row * c_ * dst;
    norm_kernels().apply_columns(d_.src_dtype, d_.dst_dtype, at<const char>(addresses_[kSrc0]) + row * d_.c0 * src,
                                 pixels_of(chunk), d_.c0, shift, shift + c_, shift + 2 * c_, silu, out, c_);
    if (d_.c1 > 0) {
        shift += d_.c0;
        norm_kernels().apply_columns(d_.src_dtype, d_.dst_dtype, at<const char>(addresses_[kSrc1]) + row * d_.c1 * src,
                                     pixels_of(chunk), d_.c1, shift, shift + c_, shift + 2 * c_, silu,
                                     out + d_.c0 * dst, c_);
    }
}

void GroupNorm::run() {
    const std::int64_t pieces = d_.n * chunks_, statistics = std::int64_t{d_.n} * d_.groups;
    if (team_ == 1) {
        for (std::int64_t i = 0; i < pieces; ++i) chunk_moments(i / chunks_, i % chunks_, columns(0));
        for (std::int64_t i = 0; i < statistics; ++i) group_coefficients(i / d_.groups, i % d_.groups);
        for (std::int64_t i = 0; i < pieces; ++i) apply(i / chunks_, i % chunks_);
        return;
    }
#pragma omp parallel num_threads(team_)
    {
        float* const own_columns = columns(omp_get_thread_num());
#pragma omp for schedule(static)
        for (std::int64_t i = 0; i < pieces; ++i) chunk_moments(i / chunks_, i % chunks_, own_columns);
#pragma omp for schedule(static)
        for (std::int64_t i = 0; i < statistics; ++i) group_coefficients(i / d_.groups, i % d_.groups);
#pragma omp for schedule(static)
        for (std::int64_t i = 0; i < pieces; ++i) apply(i / chunks_, i % chunks_);
    }
}

}  // namespace

}  // namespace d4j

int d4j_group_norm_create(int64_t engine, const d4j_group_norm_desc* desc, int64_t* op) {
    return d4j::guarded([&] { *op = d4j::op_handle(std::make_unique<d4j::GroupNorm>(d4j::engine_of(engine), *desc)); });
}
