// GroupNorm (statistics, then all else) and LayerNorm.
#include <algorithm>

#include "norm/norm_config.hpp"
#include "norm/norm_params.hpp"
#include "test/device/suite.hpp"

namespace d4j::test {
namespace {

struct GroupCase {
    DType type;
    int samples, pixels, channels0, channels1, groups;
    bool embedding, film, affine, silu;
    double mean;
};

const float* floats(const Tensor& tensor) { return static_cast<const float*>(tensor.device()); }

/// Sums and squared deviations of blocks of `rows` pixels.
double statsErrorOf(Tensor& stats, const Tensor& src, const GroupCase& c, int channels, int rows) {
    stats.download();
    RelativeError sums, deviations;
    size_t at = 0;
    for (int n = 0; n < c.samples; ++n) {
        for (int first = 0; first < c.pixels; first += rows) {
            for (int channel = 0; channel < channels; ++channel, at += 2) {
                const int end = std::min(first + rows, c.pixels);
                auto x = [&](int row) { return src.get((size_t(n) * c.pixels + row) * channels + channel); };
                double sum = 0, m2 = 0;
                for (int row = first; row < end; ++row) sum += x(row);
                for (int row = first; row < end; ++row) m2 += std::pow(x(row) - sum / (end - first), 2);
                sums.add(stats.get(at), sum);
                if (end - first > 1) deviations.add(stats.get(at + 1), m2);
            }
        }
    }
    return std::max(sums.value(), c.pixels > 1 ? deviations.value() : 0);
}

void checkGroupNorm(Suite& suite, const GroupCase& c) {
    const int channels = c.channels0 + c.channels1;
    const int embeddingStride = channels + 3, filmStride = 2 * channels + 5;
    const size_t rows = size_t(c.samples) * c.pixels;
    Tensor src0(suite.gpu, c.type, rows * c.channels0), src1(suite.gpu, c.type, rows * c.channels1);
    Tensor gamma(suite.gpu, DType::F32, channels), beta(suite.gpu, DType::F32, channels);
    Tensor embedding(suite.gpu, DType::F32, size_t(c.samples) * embeddingStride);
    Tensor film(suite.gpu, DType::F32, size_t(c.samples) * filmStride);
    Tensor moments(suite.gpu, DType::F32, size_t(c.samples) * c.groups * 2);
    Tensor out(suite.gpu, c.type, rows * channels);
    for (Tensor* tensor : {&src0, &src1, &gamma, &beta, &embedding, &film}) tensor->random(suite.random);
    for (size_t i = 0; i < src0.size(); ++i) src0.set(i, src0.get(i) + c.mean);
    src0.upload();

    const int statsRows = groupNormStatsRows(c.pixels), blocks = ceilDiv(c.pixels, statsRows);
    Tensor stats0(suite.gpu, DType::F32, size_t(c.samples) * blocks * c.channels0 * 2);
    Tensor stats1(suite.gpu, DType::F32, size_t(c.samples) * blocks * c.channels1 * 2);
    void* module = suite.module("norm");
    auto suffixed = [&](const char* kernel, int vector) {
        return std::string(kernel) + storageName(c.type) + (vector == 1 ? "_scalar" : "");
    };
    for (int source = 0; source < (c.channels1 > 0 ? 2 : 1); ++source) {
        const int width = source == 0 ? c.channels0 : c.channels1;
        Tensor& stats = source == 0 ? stats0 : stats1;
        stats.poison();
        const int vector = normVector(c.type, width, 0), columns = normColumns(width / vector);
        const GroupNormStatsParams p{source == 0 ? src0.device() : src1.device(),
                                     static_cast<ChannelStats*>(stats.device()), c.pixels, width, statsRows, columns};
        suite.gpu.launch(suite.gpu.kernel(module, suffixed("group_norm_stats_", vector).c_str(), 0),
                         {ceilDiv(width / vector, columns), blocks, c.samples}, kNormThreads, 0, p);
    }
    GroupNormParams p{};
    GroupNormMergeParams& merge = p.merge;
    merge.stats0 = static_cast<const ChannelStats*>(stats0.device());
    merge.stats1 = static_cast<const ChannelStats*>(stats1.device());
    merge.gamma = c.affine ? floats(gamma) : nullptr;
    merge.beta = c.affine ? floats(beta) : nullptr;
    merge.embedding = c.embedding ? floats(embedding) : nullptr;
    merge.film = c.film ? floats(film) : nullptr;
    merge.moments = static_cast<float*>(moments.device());
    merge.pixels = c.pixels;
    merge.channels0 = c.channels0;
    merge.channels1 = c.channels1;
    merge.groups = c.groups;
    merge.rows0 = merge.rows1 = statsRows;
    merge.embeddingStride = embeddingStride;
    merge.filmStride = filmStride;
    merge.eps = 1e-5f;
    const int vector = normVector(c.type, c.channels0, c.channels1), columns = normColumns(channels / vector);
    p.apply = {src0.device(), src1.device(), merge.moments,  out.device(), c.pixels,
               c.channels0,   c.channels1,   kGroupNormRows, columns,      c.silu ? Activation::Silu : Activation::None};
    p.samples = c.samples;
    p.columnBlocks = ceilDiv(channels / vector, columns);
    std::vector<int32_t> progress(groupNormProgress(c.samples));
    const uint64_t counters = suite.gpu.allocate(progress.size() * 4);
    suite.gpu.upload(counters, progress.data(), progress.size() * 4);
    p.progress = reinterpret_cast<int32_t*>(counters);
    for (int launch = 0; launch < 2; ++launch) {  // it leaves its counters as it found them
        moments.poison();
        out.poison();
        suite.gpu.launch(suite.gpu.kernel(module, suffixed("group_norm_", vector).c_str(), 0), {groupNormBlocks(p), 1, 1},
                         kNormThreads, 0, p);
        suite.gpu.download(progress.data(), counters, progress.size() * 4);
        suite.judge("group_norm's counters", *std::max_element(progress.begin(), progress.end()), 0);
    }
    suite.gpu.free(counters);
    out.download();
    suite.hash(out);
    moments.download();

    RelativeError error, deviations;
    double meanErrors = 0, meanSquares = 0;
    const int width = channels / c.groups;
    for (int n = 0; n < c.samples; ++n) {
        for (int group = 0; group < c.groups; ++group) {
            auto x = [&](int row, int channel) {
                const size_t pixel = size_t(n) * c.pixels + row;
                const double value = channel < c.channels0 ? src0.get(pixel * c.channels0 + channel)
                                                           : src1.get(pixel * c.channels1 + channel - c.channels0);
                return value + (c.embedding ? embedding.get(n * embeddingStride + channel) : 0);
            };
            double sum = 0, squares = 0;
            const double count = double(c.pixels) * width;
            for (int row = 0; row < c.pixels; ++row) {
                for (int i = 0; i < width; ++i) sum += x(row, group * width + i);
            }
            for (int row = 0; row < c.pixels; ++row) {
                for (int i = 0; i < width; ++i) squares += std::pow(x(row, group * width + i) - sum / count, 2);
            }
            const double rstd = 1 / std::sqrt(squares / count + merge.eps);
            const size_t merged = (size_t(n) * c.groups + group) * 2;
            meanErrors += std::pow(moments.get(merged) - sum / count, 2);
            meanSquares += std::pow(sum / count, 2) + squares / count;
            deviations.add(moments.get(merged + 1), rstd);
            for (int row = 0; row < c.pixels; ++row) {
                for (int channel = group * width; channel < (group + 1) * width; ++channel) {
                    double y = (x(row, channel) - sum / count) * rstd;
                    if (c.affine) y = y * gamma.get(channel) + beta.get(channel);
                    if (c.film) {
                        y = y * (1 + film.get(n * filmStride + channel)) + film.get(n * filmStride + channels + channel);
                    }
                    error.add(out.get((size_t(n) * c.pixels + row) * channels + channel),
                              applyActivation(p.apply.activation, y));
                }
            }
        }
    }
    suite.judge("group_norm_stats", statsErrorOf(stats0, src0, c, c.channels0, statsRows), kStatsTolerance);
    if (c.channels1 > 0) {
        suite.judge("group_norm_stats", statsErrorOf(stats1, src1, c, c.channels1, statsRows), kStatsTolerance);
    }
    // These are f32 whatever the type, so they show what the tolerance of the type would hide. A mean errs as the data that
    // it is the mean of are large.
    suite.judge("group_norm's means", std::sqrt(meanErrors / meanSquares), kStatsTolerance);
    suite.judge("group_norm's deviations", deviations.value(), kStatsTolerance);
    suite.judge("group_norm " + std::string(storageName(c.type)) + " " + std::to_string(c.samples) + "x" +
                    std::to_string(c.pixels) + " channels " + std::to_string(c.channels0) + "+" +
                    std::to_string(c.channels1) + " groups " + std::to_string(c.groups),
                error.value(), tolerance(c.type));
}

void checkLayerNorm(Suite& suite, DType type, int rows, int channels, int gap, bool affine) {
    const int stride = channels + gap;
    Tensor src(suite.gpu, type, size_t(rows) * stride), out(suite.gpu, type, size_t(rows) * stride);
    Tensor gamma(suite.gpu, DType::F32, channels), beta(suite.gpu, DType::F32, channels);
    for (Tensor* tensor : {&src, &gamma, &beta}) tensor->random(suite.random);
    out.poison();
    LayerNormParams p{};
    p.src = src.device();
    p.gamma = affine ? floats(gamma) : nullptr;
    p.beta = affine ? floats(beta) : nullptr;
    p.dst = out.device();
    p.rows = rows;
    p.channels = channels;
    p.srcStride = p.dstStride = stride;
    p.eps = 1e-5f;
    const bool vectors = normVector(type, channels, gap) > 1;
    const std::string name = std::string("layer_norm_") + storageName(type) + (vectors ? "" : "_scalar");
    suite.gpu.launch(suite.gpu.kernel(suite.module("norm"), name.c_str(), 8 * channels),
                     {ceilDiv(rows, kLayerNormRows), 1, 1}, kNormThreads, 8 * channels, p);
    out.download();
    suite.hash(out);
    RelativeError error;
    for (int row = 0; row < rows; ++row) {
        double sum = 0, squares = 0;
        for (int i = 0; i < channels; ++i) sum += src.get(size_t(row) * stride + i);
        for (int i = 0; i < channels; ++i) squares += std::pow(src.get(size_t(row) * stride + i) - sum / channels, 2);
        const double rstd = 1 / std::sqrt(squares / channels + p.eps);
        for (int i = 0; i < channels; ++i) {
            const double y = (src.get(size_t(row) * stride + i) - sum / channels) * rstd;
            error.add(out.get(size_t(row) * stride + i), affine ? y * gamma.get(i) + beta.get(i) : y);
        }
    }
    suite.judge(name + " " + std::to_string(rows) + "x" + std::to_string(channels), error.value(), tolerance(type));
}

}  // namespace

void normCases(Suite& suite) {
    for (const DType type : {DType::F32, DType::F16, DType::BF16}) {
        checkGroupNorm(suite, {type, 2, 64, 32, 0, 8, false, false, true, true, 0});
        checkGroupNorm(suite, {type, 3, 67, 40, 24, 8, true, true, true, true, 0});  // a group over both sources
        checkGroupNorm(suite, {type, 1, 1031, 24, 0, 3, false, true, false, false, 5});
        checkGroupNorm(suite, {type, 2, 49, 9, 6, 5, true, false, true, false, 3});
        checkGroupNorm(suite, {type, 9, 1, 32, 32, 16, false, false, true, true, 0});
        checkGroupNorm(suite, {type, 2, 35, 1280, 640, 32, true, false, true, true, 0});
        for (int i = 0; i < 6; ++i) {
            const int groups = suite.uniform(1, 9), width = suite.uniform(1, 13);
            const int first = i % 2 == 0 ? groups * width : suite.uniform(1, groups * width);
            checkGroupNorm(suite, {type, suite.uniform(1, 9), suite.uniform(1, 200), first, groups * width - first, groups,
                                   suite.uniform(0, 1) == 1, suite.uniform(0, 1) == 1, suite.uniform(0, 1) == 1,
                                   suite.uniform(0, 1) == 1, suite.uniform(0, 3) * 1.0});
            checkLayerNorm(suite, type, suite.uniform(1, 70), suite.uniform(1, 1500), suite.uniform(0, 9), i % 2 == 0);
        }
        checkGroupNorm(suite, {type, 1, 150, 131, 0, 1, false, false, true, true, 0});
        checkLayerNorm(suite, type, 77, 768, 0, true);
        checkLayerNorm(suite, type, 33, 37, 3, true);
        checkLayerNorm(suite, type, 40, 2560, 16, false);
        checkLayerNorm(suite, type, 3, 1291, 0, true);
        checkLayerNorm(suite, type, 2, 2944, 0, true);
        checkLayerNorm(suite, type, 2, 1375, 0, true);
    }
    // Four statistics of either source for some of the threads that merge them.
    for (const DType type : {DType::F32, DType::F16}) {
        checkGroupNorm(suite, {type, 1, 33, 400, 400, 2, true, false, true, false, 0});
        checkGroupNorm(suite, {type, 1, 33, 401, 399, 2, true, false, true, false, 0});
    }
}

}  // namespace d4j::test
