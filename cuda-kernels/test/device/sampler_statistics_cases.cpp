// sampler_statistics alone, judged as such: what it brings into a step is too little to show every mistake.
#include <numeric>

#include "test/device/sampler_reference.hpp"

namespace d4j::test {
namespace {

class StatisticsCase {
public:
    StatisticsCase(Suite& suite, DType type, int samples, int elements, float quantile)
        : suite_(suite), type_(type), elements_(elements), latents_(suite.gpu, DType::F32, size_t(samples) * elements),
          conditional_(suite.gpu, type, latents_.size()), unconditional_(suite.gpu, type, latents_.size()),
          guidance_(suite.gpu, DType::F32, 2 * samples), magnitudes_(suite.gpu, DType::F32, latents_.size()),
          row_(suite.gpu, DType::F32, sizeof(d4j_sampler_row) / 4),
          table_(suite.gpu, DType::F32, samples * sizeof(d4j_sampler_sample) / 4), samples_(samples) {
        row.x0_x = 1;
        row.clip = 1e9f;
        row.quantile = quantile;
        row.flags = D4J_ROW_THRESHOLD;
    }

    void set(int sample, int element, double value) { latents_.set(size_t(sample) * elements_ + element, value); }

    /// Guidance of outputs far from zero: the deviation is a small difference of large sums.
    void guide(double mean, float scale, float rescale) {
        for (size_t i = 0; i < latents_.size(); ++i) {
            std::normal_distribution<double> normal(mean, 1);
            conditional_.set(i, normal(suite_.random));
            unconditional_.set(i, normal(suite_.random));
        }
        scale_ = scale;
        rescale_ = rescale;
    }

    void launch() {
        latents_.upload();
        conditional_.upload();
        unconditional_.upload();
        suite_.gpu.upload(reinterpret_cast<uint64_t>(row_.device()), &row, sizeof row);
        std::vector<d4j_sampler_sample> table(samples_);
        for (int s = 0; s < samples_; ++s) {
            const size_t at = size_t(s) * elements_;
            table[s].table = static_cast<const d4j_sampler_row*>(row_.device());
            table[s].latents = static_cast<float*>(latents_.device()) + at;
            table[s].conditional = static_cast<char*>(conditional_.device()) + at * bytesOf(type_);
            if (rescale_ > 0) table[s].unconditional = static_cast<char*>(unconditional_.device()) + at * bytesOf(type_);
            table[s].rows = 1;
            table[s].guidance_scale = scale_;
            table[s].guidance_rescale = rescale_;
        }
        suite_.gpu.upload(reinterpret_cast<uint64_t>(table_.device()), table.data(), samples_ * sizeof table[0]);
        guidance_.poison();
        SamplerParams p{};
        p.samples = static_cast<const d4j_sampler_sample*>(table_.device());
        p.guidance = static_cast<SamplerGuidance*>(guidance_.device());
        p.magnitudes = static_cast<uint32_t*>(magnitudes_.device());
        p.shape.samples = samples_;
        p.shape.channels = p.shape.input_channels = p.shape.output_channels = 1;
        p.shape.pixels = elements_;
        p.shape.input_dtype = p.shape.output_dtype = samplerType(type_);
        suite_.gpu.launch(suite_.gpu.kernel(suite_.module("sampler"), "sampler_statistics", 0), {samples_, 1, 1},
                          kStatisticsThreads, 0, p);
        guidance_.download();
        suite_.hash(guidance_);
    }

    double rescale(int sample) const { return guidance_.get(2 * sample); }
    double threshold(int sample) const { return guidance_.get(2 * sample + 1); }

    double expectedRescale(int sample) const {
        std::vector<double> conditional(elements_);
        for (int i = 0; i < elements_; ++i) conditional[i] = conditional_.get(size_t(sample) * elements_ + i);
        return rescale_ * deviation(conditional) / deviation(guided(sample)) + 1 - rescale_;
    }

    double expectedThreshold(int sample) const {
        std::vector<double> x0 = guided(sample);
        const double factor = expectedRescale(sample);
        for (int i = 0; i < elements_; ++i) {
            x0[i] = std::fabs(row.x0_x * latents_.get(size_t(sample) * elements_ + i) + row.x0_output * factor * x0[i]);
        }
        return quantileOf(x0, row.quantile);
    }

    d4j_sampler_row row{};

private:
    std::vector<double> guided(int sample) const {
        std::vector<double> out(elements_);
        for (int i = 0; i < elements_; ++i) {
            const size_t at = size_t(sample) * elements_ + i;
            const float c = float(conditional_.get(at)), u = float(unconditional_.get(at));
            out[i] = u + scale_ * (c - u);  // rounded as the kernel rounds
        }
        return out;
    }

    Suite& suite_;
    const DType type_;
    const int elements_;
    Tensor latents_, conditional_, unconditional_, guidance_, magnitudes_, row_, table_;
    const int samples_;
    float scale_ = 1, rescale_ = 0;
};

}  // namespace

void samplerStatisticsCases(Suite& suite) {
    // Between ranks: half of the elements share a value, and the next larger one is with another warp in each sample, and
    // with the first thread in another round.
    const int warps = kStatisticsThreads / 32;
    const int rounds = 6;  // of a thread's loop
    StatisticsCase between(suite, DType::F32, warps + rounds, rounds * kStatisticsThreads, 0.5f);
    for (int s = 0; s < warps + rounds; ++s) {
        for (int i = 0; i < rounds * kStatisticsThreads; ++i) between.set(s, i, i % 2 == 1 ? 1.25 : 3 + i);
        between.set(s, s < warps ? s % rounds * kStatisticsThreads + 32 * s : (s - warps) * kStatisticsThreads, 2);
    }
    between.launch();
    double error = 0;
    for (int s = 0; s < warps + rounds; ++s) error = std::max(error, std::fabs(between.threshold(s) - 1.625));
    suite.judge("sampler_statistics between ranks", error, 0);

    // On a rank: consecutive floats in any order, so that the last digit decides and every element counts.
    for (const int elements : {1023, 4 * kStatisticsThreads + 1, 7 * kStatisticsThreads - 200}) {
        StatisticsCase exact(suite, DType::F32, 8, elements, 0.5f);
        for (int s = 0; s < 8; ++s) {
            std::vector<int> order(elements);
            std::iota(order.begin(), order.end(), 0);
            std::shuffle(order.begin(), order.end(), suite.random);
            for (int i = 0; i < elements; ++i) exact.set(s, i, (i % 2 ? -1 : 1) * (2 + order[i] * 0x1p-22));
        }
        exact.row.quantile = float((elements / 2) / double(elements - 1));
        exact.launch();
        error = 0;
        const double rank = double(exact.row.quantile) * (elements - 1);
        for (int s = 0; s < 8; ++s) error = std::max(error, std::fabs(exact.threshold(s) - (2 + rank * 0x1p-22)));
        suite.judge("sampler_statistics on a rank", error, 0x1p-23);  // half the distance of two elements
    }

    for (const DType type : {DType::F32, DType::F16, DType::BF16}) {
        const int samples = 3, elements = 5 * kStatisticsThreads + 7;
        StatisticsCase far(suite, type, samples, elements, 0.9f);
        far.guide(300, 5, 0.7f);
        far.row.x0_output = 0.5f;
        for (int s = 0; s < samples; ++s) {
            for (int i = 0; i < elements; ++i) far.set(s, i, suite.uniform(-1000, 1000) * 0.001);
        }
        far.launch();
        RelativeError rescales, thresholds;
        for (int s = 0; s < samples; ++s) {
            rescales.add(far.rescale(s), far.expectedRescale(s));
            thresholds.add(far.threshold(s), far.expectedThreshold(s));
        }
        suite.judge("sampler_statistics far from zero", std::max(rescales.value(), thresholds.value()), tolerance(DType::F32));
    }
}

}  // namespace d4j::test
