// The sampler's kernels against the formulas of d4j_sampler.h in double, on random rows.
#include <algorithm>
#include <memory>

#include "sampler/sampler_params.hpp"
#include "test/device/sampler_reference.hpp"
#include "test/device/suite.hpp"

namespace d4j::test {
namespace {

constexpr int kRows = 4;  // of each sample's table

/// Philox 4x32-10 and Box-Muller's cosine branch, in double where the kernel works in f32.
double normal(uint64_t seed, uint32_t element, uint32_t step) {
    uint32_t key[] = {uint32_t(seed), uint32_t(seed >> 32)}, c[] = {element, 0, step, 0};
    for (int round = 0; round < 10; ++round) {
        const uint64_t a = uint64_t{0xD2511F53u} * c[0], b = uint64_t{0xCD9E8D57u} * c[2];
        const uint32_t next[] = {uint32_t(b >> 32) ^ c[1] ^ key[0], uint32_t(b), uint32_t(a >> 32) ^ c[3] ^ key[1],
                                 uint32_t(a)};
        std::copy(next, next + 4, c);
        key[0] += 0x9E3779B9u;
        key[1] += 0xBB67AE85u;
    }
    return std::sqrt(-2 * std::log(((c[0] >> 8) + 1) / 16777216.0)) * std::cos(2 * M_PI * c[1] / 4294967296.0);
}

struct Sample {
    d4j_sampler_row table[kRows];
    d4j_sampler_sample onDevice{};
    std::unique_ptr<Tensor> rows, latents, saved, history, noise, conditional, unconditional, input, timestep;
    std::unique_ptr<Tensor> unconditionalInput, unconditionalTimestep;  // or none
};

class Batch {
public:
    Batch(Suite& suite, int samples, int channels, int pixels, DType type, bool variance)
        : suite_(suite), type_(type), elements_(channels * pixels), samples_(samples) {
        shape_ = {};
        shape_.samples = samples;
        shape_.channels = channels;
        shape_.pixels = pixels;
        shape_.input_channels = channels + suite.uniform(0, 2);
        shape_.output_channels = variance ? 2 * channels : channels;
        shape_.input_dtype = shape_.output_dtype =
            samplerType(type);
        for (Sample& sample : samples_) fill(sample, variance);
    }

    /// One launch of the step with `progress` steps behind it, then the comparison.
    void step(int progress) {
        std::vector<d4j_sampler_sample> table;
        for (const Sample& sample : samples_) table.push_back(sample.onDevice);
        const uint64_t device = suite_.gpu.allocate(table.size() * sizeof table[0]);
        suite_.gpu.upload(device, table.data(), table.size() * sizeof table[0]);
        const int32_t start[] = {progress, 0};
        const uint64_t counter = suite_.gpu.allocate(sizeof start);
        suite_.gpu.upload(counter, start, sizeof start);
        Tensor guidance(suite_.gpu, DType::F32, 2 * samples_.size());
        Tensor magnitudes(suite_.gpu, DType::F32, samples_.size() * elements_);

        SamplerParams p{};
        p.samples = reinterpret_cast<const d4j_sampler_sample*>(device);
        p.progress = reinterpret_cast<int32_t*>(counter);
        p.guidance = static_cast<SamplerGuidance*>(guidance.device());
        p.magnitudes = static_cast<uint32_t*>(magnitudes.device());
        p.shape = shape_;
        p.prepareNext = 1;
        void* module = suite_.module("sampler");
        const int samples = static_cast<int>(samples_.size());
        suite_.gpu.launch(suite_.gpu.kernel(module, "sampler_statistics", 0), {samples, 1, 1}, kStatisticsThreads, 0, p);
        suite_.gpu.launch(suite_.gpu.kernel(module, "sampler_step", 0), {ceilDiv(elements_, kSamplerThreads), samples, 1},
                          kSamplerThreads, 0, p);
        int32_t end[2];
        suite_.gpu.download(end, counter, sizeof end);
        suite_.judge("sampler_step counts its launches", end[0] == progress + 1 && end[1] == 0 ? 0 : INFINITY, 1);
        for (Sample& sample : samples_) compare(sample, sample.onDevice.row + progress);
        suite_.gpu.free(device);
        suite_.gpu.free(counter);
    }

    /// The network input of a later step, which leaves finished samples alone.
    void prepare() {
        std::vector<d4j_sampler_sample> table;
        for (const Sample& sample : samples_) table.push_back(sample.onDevice);
        const uint64_t device = suite_.gpu.allocate(table.size() * sizeof table[0]);
        suite_.gpu.upload(device, table.data(), table.size() * sizeof table[0]);
        const int32_t progress[] = {suite_.uniform(1, 3), 0};
        const uint64_t counter = suite_.gpu.allocate(sizeof progress);
        suite_.gpu.upload(counter, progress, sizeof progress);
        SamplerParams p{};
        p.samples = reinterpret_cast<const d4j_sampler_sample*>(device);
        p.progress = reinterpret_cast<int32_t*>(counter);
        p.shape = shape_;
        const int samples = static_cast<int>(samples_.size());
        suite_.gpu.launch(suite_.gpu.kernel(suite_.module("sampler"), "sampler_prepare", 0),
                          {ceilDiv(elements_, kSamplerThreads), samples, 1}, kSamplerThreads, 0, p);
        for (Sample& s : samples_) {
            if (s.onDevice.row + progress[0] >= kRows) {
                const std::vector<unsigned char> before = s.input->bytes();
                s.input->download();
                suite_.judge("sampler_prepare of a finished sample", s.input->bytes() == before ? 0 : INFINITY, 1);
                continue;
            }
            std::vector<double> latents(elements_);
            for (int i = 0; i < elements_; ++i) latents[i] = s.latents->get(i);
            const d4j_sampler_row& row = s.table[s.onDevice.row + progress[0]];
            checkPrepared("sampler_prepare", *s.input, *s.timestep, row, latents);
            if (s.unconditionalInput) {
                checkPrepared("sampler_prepare unconditional", *s.unconditionalInput, *s.unconditionalTimestep, row, latents);
            }
        }
        suite_.gpu.free(device);
        suite_.gpu.free(counter);
    }

private:
    std::unique_ptr<Tensor> tensor(DType type, size_t count) {
        auto made = std::make_unique<Tensor>(suite_.gpu, type, count);
        made->random(suite_.random);
        return made;
    }

    float real(float low, float high) { return std::uniform_real_distribution<float>(low, high)(suite_.random); }

    void fill(Sample& s, bool variance) {
        for (d4j_sampler_row& row : s.table) {
            row = {};
            row.input_scale = real(0.5f, 2);
            row.timestep = float(suite_.uniform(0, 999));
            row.x0_x = real(-1, 1);
            row.x0_output = real(-1, 1);
            row.m_x = suite_.uniform(0, 1) ? real(-1, 1) : 0;
            row.m_x0 = real(-1, 1);
            row.clip = real(1, 3);
            row.quantile = suite_.uniform(0, 4) == 0 ? 1 : real(0.5f, 1);
            row.log_variance_min = -5;
            row.log_variance_max = real(-2, 0);
            row.noise_step = suite_.uniform(0, 50);
            const int limit[] = {0, D4J_ROW_CLIP, D4J_ROW_THRESHOLD};
            row.flags = D4J_ROW_NOISE | limit[suite_.uniform(0, 2)] | (suite_.uniform(0, 1) ? D4J_ROW_SAVE : 0);
            if (variance) row.flags |= suite_.uniform(0, 1) ? D4J_ROW_VARIANCE : D4J_ROW_VARIANCE_RANGE;
            for (int term = 0; term < D4J_TERMS; ++term) {
                row.update[term] = suite_.uniform(0, 2) ? real(-1, 1) : 0;
                row.save[term] = suite_.uniform(0, 2) ? real(-1, 1) : 0;
            }
            row.push_slot = suite_.uniform(-1, 2);
            for (int32_t& slot : row.history_slot) slot = suite_.uniform(0, 2);
        }
        s.rows = std::make_unique<Tensor>(suite_.gpu, DType::F32, kRows * 32);
        suite_.gpu.upload(reinterpret_cast<uint64_t>(s.rows->device()), s.table, sizeof s.table);
        s.latents = tensor(DType::F32, elements_);
        s.saved = tensor(DType::F32, elements_);
        s.history = tensor(DType::F32, 3 * elements_);
        s.conditional = tensor(type_, size_t(shape_.pixels) * shape_.output_channels);
        s.unconditional = tensor(type_, s.conditional->size());
        s.input = tensor(type_, size_t(shape_.pixels) * shape_.input_channels);
        s.timestep = tensor(DType::F32, 1);
        // The first sample has all that there may be and is not finished by any progress of prepare(); the last of
        // several is finished first.
        const bool first = &s == &samples_.front(), last = &s == &samples_.back();
        if (suite_.uniform(0, 1) || first) {
            s.unconditionalInput = tensor(type_, s.input->size());
            s.unconditionalTimestep = tensor(DType::F32, 1);
            s.onDevice.unconditional_input = s.unconditionalInput->device();
            s.onDevice.unconditional_timestep = static_cast<float*>(s.unconditionalTimestep->device());
        }
        if (suite_.uniform(0, 2) == 0) s.noise = tensor(DType::F32, size_t(kRows) * elements_);
        d4j_sampler_sample& d = s.onDevice;
        d.table = static_cast<const d4j_sampler_row*>(s.rows->device());
        d.seed = (uint64_t(suite_.random()) << 32) | suite_.random();
        d.latents = static_cast<float*>(s.latents->device());
        d.saved = static_cast<float*>(s.saved->device());
        d.history = static_cast<float*>(s.history->device());
        d.conditional = s.conditional->device();
        d.unconditional = suite_.uniform(0, 2) ? s.unconditional->device() : nullptr;
        d.noise = s.noise ? static_cast<const float*>(s.noise->device()) : nullptr;
        d.noise_stride = elements_;
        d.input = s.input->device();
        d.timestep = static_cast<float*>(s.timestep->device());
        d.row = first ? 0 : last ? 1 : suite_.uniform(0, 1);
        d.rows = kRows;
        d.guidance_scale = real(1, 8);
        d.guidance_rescale = suite_.uniform(0, 1) ? 0.7f : 0;
    }

    size_t inOutput(int i) const { return size_t(i / shape_.channels) * shape_.output_channels + i % shape_.channels; }

    std::vector<double> guided(const Sample& s) const {
        std::vector<double> out(elements_), conditional(elements_);
        for (int i = 0; i < elements_; ++i) {
            out[i] = conditional[i] = s.conditional->get(inOutput(i));
            if (s.onDevice.unconditional != nullptr) {
                const double u = s.unconditional->get(inOutput(i));
                out[i] = u + s.onDevice.guidance_scale * (conditional[i] - u);
            }
        }
        if (s.onDevice.unconditional != nullptr && s.onDevice.guidance_rescale > 0) {
            const double phi = s.onDevice.guidance_rescale;
            const double after = deviation(out);
            const double factor = after > 0 ? phi * deviation(conditional) / after + 1 - phi : 1;
            for (double& x : out) x *= factor;
        }
        return out;
    }

    double draw(const Sample& s, int index, int i) const {
        const d4j_sampler_row& row = s.table[index];
        const int element = i % shape_.channels * shape_.pixels + i / shape_.channels;
        const double z = s.noise ? s.noise->get(size_t(index) * elements_ + element) : normal(s.onDevice.seed, element, row.noise_step);
        if ((row.flags & (D4J_ROW_VARIANCE | D4J_ROW_VARIANCE_RANGE)) == 0) return z;
        const double v = s.conditional->get(inOutput(i) + shape_.channels);
        if (row.flags & D4J_ROW_VARIANCE) return z * std::sqrt(std::max(v, 0.0));
        const double fraction = (v + 1) / 2;
        return z * std::exp((fraction * row.log_variance_max + (1 - fraction) * row.log_variance_min) / 2);
    }

    void compare(Sample& s, int index) {
        const std::string name = "sampler_step " + std::string(storageName(type_)) + " elements " +
                                 std::to_string(elements_) + " row " + std::to_string(index);
        if (index >= kRows) {  // finished: nothing may change
            const std::vector<unsigned char> before = s.latents->bytes();
            s.latents->download();
            suite_.judge(name, s.latents->bytes() == before ? 0 : INFINITY, 1);
            return;
        }
        const d4j_sampler_row& row = s.table[index];
        const std::vector<double> out = guided(s);
        std::vector<double> x0(elements_), magnitudes(elements_);
        for (int i = 0; i < elements_; ++i) {
            x0[i] = row.x0_x * s.latents->get(i) + row.x0_output * out[i];
            magnitudes[i] = std::fabs(x0[i]);
        }
        if (row.flags & D4J_ROW_THRESHOLD) {
            const double limit = std::min(std::max(quantileOf(magnitudes, row.quantile), 1.0), double(row.clip));
            for (double& x : x0) x = std::min(std::max(x, -limit), limit) / limit;
        } else if (row.flags & D4J_ROW_CLIP) {
            for (double& x : x0) x = std::min(std::max(x, double(-row.clip)), double(row.clip));
        }
        std::vector<double> next(elements_), saved(elements_), converted(elements_);
        for (int i = 0; i < elements_; ++i) {
            const double x = s.latents->get(i), m = converted[i] = row.m_x * x + row.m_x0 * x0[i];
            auto past = [&](int j) { return s.history->get(size_t(row.history_slot[j]) * elements_ + i); };
            const double terms[D4J_TERMS] = {x, s.saved->get(i), m, past(0), past(1), past(2), out[i], draw(s, index, i)};
            for (int term = 0; term < D4J_TERMS; ++term) {
                next[i] += row.update[term] * terms[term];
                saved[i] += row.save[term] * terms[term];
            }
        }
        const Tensor& past = *s.history;
        std::vector<double> history(3 * elements_);
        for (int i = 0; i < 3 * elements_; ++i) {
            history[i] = i / elements_ == row.push_slot ? converted[i % elements_] : past.get(i);
        }
        if ((row.flags & D4J_ROW_SAVE) == 0) {
            for (int i = 0; i < elements_; ++i) saved[i] = s.saved->get(i);
        }
        check(name, *s.latents, next, DType::F32);
        check(name + " saved", *s.saved, saved, DType::F32);
        check(name + " history", *s.history, history, DType::F32);
        if (index + 1 < kRows) {
            checkPrepared(name, *s.input, *s.timestep, s.table[index + 1], next);
            if (s.unconditionalInput) {
                checkPrepared(name + " unconditional", *s.unconditionalInput, *s.unconditionalTimestep, s.table[index + 1], next);
            }
        }
    }

    /// What the network is given next.
    void checkPrepared(const std::string& name, Tensor& input, Tensor& timestep, const d4j_sampler_row& row,
                       const std::vector<double>& next) {
        input.download();
        timestep.download();
        RelativeError error;
        for (int i = 0; i < elements_; ++i) {
            const size_t at = size_t(i / shape_.channels) * shape_.input_channels + i % shape_.channels;
            error.add(input.get(at), row.input_scale * next[i]);
        }
        suite_.judge(name + " input", error.value(), tolerance(type_));
        suite_.judge(name + " timestep", std::fabs(timestep.get(0) - row.timestep), 0);
    }

    void check(const std::string& name, Tensor& result, const std::vector<double>& expected, DType type) {
        result.download();
        suite_.hash(result);
        RelativeError error;
        for (size_t i = 0; i < expected.size(); ++i) error.add(result.get(i), expected[i]);
        suite_.judge(name, error.value(), tolerance(type));
    }

    Suite& suite_;
    DType type_;
    int elements_;
    d4j_sampler_shape shape_;
    std::vector<Sample> samples_;
};

void checkInitial(Suite& suite, bool given) {
    const int channels = 3, pixels = 50;
    Tensor latents(suite.gpu, DType::F32, channels * pixels);
    latents.poison();
    Tensor noise(suite.gpu, DType::F32, channels * pixels);
    noise.random(suite.random);
    d4j_sampler_sample sample{};
    if (given) sample.noise = static_cast<const float*>(noise.device());
    sample.seed = 0x123456789abcdef0;
    sample.latents = static_cast<float*>(latents.device());
    const uint64_t device = suite.gpu.allocate(sizeof sample);
    suite.gpu.upload(device, &sample, sizeof sample);
    SamplerInitialParams p{};
    p.samples = reinterpret_cast<const d4j_sampler_sample*>(device);
    p.shape.channels = channels;
    p.shape.pixels = pixels;
    p.scale = 14.6f;
    suite.gpu.launch(suite.gpu.kernel(suite.module("sampler"), "sampler_initial", 0), {1, 1, 1}, kSamplerThreads, 0, p);
    latents.download();
    suite.hash(latents);
    RelativeError error;
    for (int i = 0; i < channels * pixels; ++i) {
        const int element = i % channels * pixels + i / channels;
        const double z = given ? noise.get(element) : normal(sample.seed, element, uint32_t(D4J_INITIAL_NOISE_STEP));
        error.add(latents.get(i), 14.6f * z);
    }
    suite.judge("sampler_initial", error.value(), tolerance(DType::F32));
    suite.gpu.free(device);
}

void checkError(Suite& suite) {
    const int count = 5003;
    Tensor lower(suite.gpu, DType::F32, count), higher(suite.gpu, DType::F32, count);
    Tensor previous(suite.gpu, DType::F32, count);
    for (Tensor* tensor : {&lower, &higher, &previous}) tensor->random(suite.random);
    const uint64_t device = suite.gpu.allocate(8);
    auto floats = [](const Tensor& tensor) { return static_cast<const float*>(tensor.device()); };
    const SamplerErrorParams p{floats(lower), floats(higher), floats(previous), reinterpret_cast<double*>(device), count,
                               0.0078, 0.05};
    suite.gpu.launch(suite.gpu.kernel(suite.module("sampler"), "sampler_error", 0), {1, 1, 1}, kStatisticsThreads, 0, p);
    double sum = 0, result = 0;
    for (int i = 0; i < count; ++i) {
        const double scale = std::max(std::fabs(lower.get(i)), std::fabs(previous.get(i)));
        sum += std::pow((higher.get(i) - lower.get(i)) / std::max(p.atol, p.rtol * scale), 2);
    }
    suite.gpu.download(&result, device, 8);
    suite.judge("sampler_error", std::fabs(result / std::sqrt(sum / count) - 1), 1e-12);
    suite.gpu.free(device);
}

}  // namespace

void samplerCases(Suite& suite) {
    checkInitial(suite, false);
    checkInitial(suite, true);
    samplerStatisticsCases(suite);
    checkError(suite);
    for (const DType type : {DType::F32, DType::F16, DType::BF16}) {
        for (int i = 0; i < 6; ++i) {
            const int pixels = i == 0 ? 1 : i == 1 ? 3000 : suite.uniform(2, 600);
            Batch batch(suite, suite.uniform(1, 5), suite.uniform(1, 5), pixels, type, i % 2 == 1);
            if (i % 2 == 0) batch.prepare();
            batch.step(i % 4);
        }
    }
}

}  // namespace d4j::test
