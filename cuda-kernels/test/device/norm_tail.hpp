// A norm in the tail of a matrix kernel (common/tail_params.hpp), for the cases of those kernels: its parameters, and the
// judgement of its output against the norm in double of what the kernel stored.
#pragma once

#include <algorithm>

#include "common/tail_params.hpp"
#include "test/device/suite.hpp"

namespace d4j::test {

/// What follows a product [samples pixels, channels].
struct NormCase {
    TailNorm norm = TailNorm::None;
    int groups = 1;
    int skip = 0;       // channels of a second source
    bool film = false;  // scale and shift by sample
    bool silu = false;
    bool embedding = false;  // added to what is normalised, by sample
};

class NormTail {
public:
    NormTail(Suite& suite, DType stored, const NormCase& c, int samples, int pixels, int channels)
        : suite_(suite), type_(stored), case_(c), samples_(samples), pixels_(pixels), own_(channels),
          channels_(channels + c.skip), rows_(size_t(samples) * pixels), barrier_(suite.gpu, DType::F32, 1),
          skip_(suite.gpu, stored, rows_ * c.skip), skipStats_(suite.gpu, DType::F32, rows_ / kStatsRows * c.skip * 2),
          gamma_(suite.gpu, DType::F32, channels_), beta_(suite.gpu, DType::F32, channels_),
          film_(suite.gpu, DType::F32, c.film ? size_t(samples) * 2 * channels_ : 0),
          embedding_(suite.gpu, DType::F32, c.embedding ? size_t(samples) * channels_ : 0),
          moments_(suite.gpu, DType::F32, size_t(samples) * c.groups * 2),
          output_(suite.gpu, stored, c.norm == TailNorm::None ? 0 : rows_ * channels_) {
        barrier_.set(0, 0);
        barrier_.upload();
        for (Tensor* tensor : {&skip_, &gamma_, &beta_, &film_, &embedding_}) tensor->random(suite.random);
        fillSkipStats();
        moments_.poison();
        output_.poison();
    }

    /// source, stats: what the kernel stores and leaves. Called when all else of the launch is known.
    void fill(TailParams& tail, const Tensor& source, const Tensor& stats, int threads, int blocks) const {
        tail.barrier = static_cast<uint32_t*>(barrier_.device());
        tail.norm = case_.norm;
        if (case_.norm == TailNorm::Layer) {
            tail.layer = {source.device(), floats(gamma_), floats(beta_), output_.device(), int(rows_), own_,
                          own_,            own_,           kEps,          0};
        } else if (case_.norm == TailNorm::Group) {
            GroupNormParams& p = tail.group;
            GroupNormMergeParams& m = p.merge;
            m.stats0 = static_cast<const ChannelStats*>(stats.device());
            m.stats1 = static_cast<const ChannelStats*>(skipStats_.device());
            m.gamma = floats(gamma_);
            m.beta = floats(beta_);
            m.film = case_.film ? floats(film_) : nullptr;
            m.filmStride = 2 * channels_;
            m.embedding = case_.embedding ? floats(embedding_) : nullptr;
            m.embeddingStride = channels_;
            m.moments = static_cast<float*>(moments_.device());
            m.pixels = pixels_;
            m.channels0 = own_;
            m.channels1 = case_.skip;
            m.groups = case_.groups;
            m.rows0 = m.rows1 = kStatsRows;
            m.eps = kEps;
            const int vectors = channels_ / normVector(type_, own_, case_.skip);
            const int columns = normColumns(vectors, tailColumns(threads));
            p.columnBlocks = ceilDiv(vectors, columns);
            const int rows = std::max(8, ceilDiv(int(rows_) * p.columnBlocks, blocks));
            p.apply = {source.device(), skip_.device(), m.moments, output_.device(), pixels_, own_, case_.skip, rows, columns,
                       case_.silu ? Activation::Silu : Activation::None};
            p.samples = samples_;
        }
    }

    /// source: downloaded.
    void judge(const std::string& name, const Tensor& source) {
        if (case_.norm == TailNorm::None) return;
        output_.download();
        suite_.hash(output_);
        RelativeError error;
        for (size_t row = 0; row < rows_; ++row) {
            for (int channel = 0; channel < channels_; ++channel) {
                error.add(output_.get(row * channels_ + channel), expected(source, row, channel));
            }
        }
        suite_.judge(name + (case_.norm == TailNorm::Layer ? " layer norm" : " group norm"), error.value(), tolerance(type_));
        if (case_.norm == TailNorm::Group) judgeMoments(name, source);
    }

private:
    static constexpr float kEps = 1e-5f;

    /// In f32, which shows what the rounding of the output would hide.
    void judgeMoments(const std::string& name, const Tensor& source) {
        moments_.download();
        suite_.hash(moments_);
        RelativeError error;
        const int width = channels_ / case_.groups;
        for (int sample = 0; sample < samples_; ++sample) {
            for (int group = 0; group < case_.groups; ++group) {
                const auto& [mean, rstd] = momentsOf(source, size_t(sample) * pixels_, pixels_, group * width, width);
                const size_t at = 2 * (size_t(sample) * case_.groups + group);
                error.add(moments_.get(at), mean);
                error.add(moments_.get(at + 1), rstd);
            }
        }
        suite_.judge(name + " moments", error.value(), kStatsTolerance);
    }

    static const float* floats(const Tensor& tensor) { return static_cast<const float*>(tensor.device()); }

    void fillSkipStats() {
        for (size_t block = 0; block < rows_ / kStatsRows; ++block) {
            for (int channel = 0; channel < case_.skip; ++channel) {
                double sum = 0, m2 = 0;
                const auto x = [&](int i) { return skip_.get((block * kStatsRows + i) * case_.skip + channel); };
                for (int i = 0; i < kStatsRows; ++i) sum += x(i);
                for (int i = 0; i < kStatsRows; ++i) m2 += std::pow(x(i) - sum / kStatsRows, 2);
                skipStats_.set(2 * (block * case_.skip + channel), sum);
                skipStats_.set(2 * (block * case_.skip + channel) + 1, m2);
            }
        }
        skipStats_.upload();
    }

    double value(const Tensor& source, size_t row, int channel) const {
        const double x = channel < own_ ? source.get(row * own_ + channel) : skip_.get(row * case_.skip + channel - own_);
        return case_.embedding ? x + embedding_.get(row / pixels_ * channels_ + channel) : x;
    }

    /// Mean and 1 / deviation over those rows and channels; the last answer is kept.
    const std::pair<double, double>& momentsOf(const Tensor& source, size_t row, size_t rows, int channel, int width) {
        const std::pair<size_t, int> key{row, channel};
        auto found = known_.find(key);
        if (found == known_.end()) {
            double sum = 0, squares = 0;
            const double count = double(rows) * width;
            const auto each = [&](auto use) {
                for (size_t r = row; r < row + rows; ++r) {
                    for (int i = channel; i < channel + width; ++i) use(value(source, r, i));
                }
            };
            each([&](double x) { sum += x; });
            each([&](double x) { squares += (x - sum / count) * (x - sum / count); });
            found = known_.emplace(key, std::pair{sum / count, 1 / std::sqrt(squares / count + kEps)}).first;
        }
        return found->second;
    }

    double expected(const Tensor& source, size_t row, int channel) {
        const size_t sample = row / pixels_;
        const int width = channels_ / case_.groups;
        const auto& [mean, rstd] = case_.norm == TailNorm::Layer
                                       ? momentsOf(source, row, 1, 0, channels_)
                                       : momentsOf(source, sample * pixels_, pixels_, channel / width * width, width);
        double y = (value(source, row, channel) - mean) * rstd * gamma_.get(channel) + beta_.get(channel);
        if (case_.film) {
            const size_t at = sample * 2 * channels_ + channel;
            y = y * (1 + film_.get(at)) + film_.get(at + channels_);
        }
        return case_.silu ? applyActivation(Activation::Silu, y) : y;
    }

    Suite& suite_;
    const DType type_;
    const NormCase case_;
    const int samples_, pixels_, own_, channels_;
    const size_t rows_;
    Tensor barrier_, skip_, skipStats_, gamma_, beta_, film_, embedding_, moments_, output_;
    std::map<std::pair<size_t, int>, std::pair<double, double>> known_;
};

}  // namespace d4j::test
