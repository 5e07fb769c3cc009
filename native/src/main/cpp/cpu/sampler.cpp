// The sampler's C entry: checks what it is given, runs the two pre-passes that need a whole sample (standard
// deviations for guidance rescale, the quantile for dynamic thresholding), then the fused step.
//
// Samples are cut into blocks of fixed length, and sums are formed per block and added in block order: results do not
// depend on which thread took which block.
#include "d4j_sampler.h"

#include "sampler_kernels.hpp"
#include "status.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

static_assert(sizeof(d4j_sampler_row) == 128, "read as an array from device memory and written by Java");
static_assert(sizeof(d4j_sampler_sample) == 128, "written by Java");
static_assert(sizeof(d4j_sampler_shape) == 32, "written by Java");

namespace d4j {
namespace {

// 4096 floats: a block with its operands stays in a second-level cache, and a 64x64x4 latent still feeds 4 threads.
constexpr int64_t kBlock = 4096;

bool has_avx512() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

bool has_avx2() {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

const SamplerKernels& kernels(int32_t instruction_set) {
    switch (instruction_set) {
        case D4J_SAMPLER_BEST:
            if (has_avx512()) return sampler_kernels_avx512;
            return has_avx2() ? sampler_kernels_avx2 : sampler_kernels_base;
        case D4J_SAMPLER_BASE:
            return sampler_kernels_base;
        case D4J_SAMPLER_AVX2:
            require(has_avx2(), "sampler: this CPU has no AVX2");
            return sampler_kernels_avx2;
        case D4J_SAMPLER_AVX512:
            require(has_avx512(), "sampler: this CPU has no AVX-512");
            return sampler_kernels_avx512;
        default:
            throw std::invalid_argument("sampler: unknown instruction_set");
    }
}

int64_t elements_of(const d4j_sampler_shape& shape) { return static_cast<int64_t>(shape.channels) * shape.pixels; }

int64_t blocks_of(int64_t elements) { return (elements + kBlock - 1) / kBlock; }

bool thresholds(const d4j_sampler_sample& sample) {
    return (sample.table[sample.row].flags & D4J_ROW_THRESHOLD) != 0;
}

bool rescales(const d4j_sampler_sample& sample) {
    return sample.unconditional != nullptr && sample.guidance_rescale > 0.0f;
}

bool reads(const d4j_sampler_row& row, int term) {
    return row.update[term] != 0.0f || ((row.flags & D4J_ROW_SAVE) != 0 && row.save[term] != 0.0f);
}

void check_shape(const d4j_sampler_shape& shape) {
    require(shape.samples > 0, "sampler: samples must be positive");
    require(shape.channels > 0 && shape.pixels > 0, "sampler: channels and pixels must be positive");
    // The element's index is one 32-bit word of the generator's counter.
    require(elements_of(shape) <= INT32_MAX, "sampler: a sample may have at most 2^31 - 1 elements");
    require(shape.input_channels >= shape.channels, "sampler: input_channels must be at least channels");
    require(shape.output_channels >= shape.channels, "sampler: output_channels must be at least channels");
    require(shape.input_dtype == D4J_SAMPLER_F32 || shape.input_dtype == D4J_SAMPLER_BF16,
            "sampler: unknown input_dtype");
    require(shape.output_dtype == D4J_SAMPLER_F32 || shape.output_dtype == D4J_SAMPLER_BF16,
            "sampler: unknown output_dtype");
}

void check_row(const d4j_sampler_sample& sample) {
    require(sample.table != nullptr, "sampler: a sample has no table");
    require(sample.row >= 0 && sample.row < sample.rows, "sampler: row is outside of the table");
    require(sample.latents != nullptr, "sampler: a sample has no latents");
}

void check_step(const d4j_sampler_shape& shape, const d4j_sampler_sample& sample) {
    check_row(sample);
    const d4j_sampler_row& row = sample.table[sample.row];
    require(sample.conditional != nullptr, "sampler: a sample has no network output");
    require(sample.saved != nullptr || ((row.flags & D4J_ROW_SAVE) == 0 && !reads(row, D4J_TERM_SAVED)),
            "sampler: the row needs a saved sample");
    require(row.push_slot >= -1 && row.push_slot < 3, "sampler: push_slot must be -1 to 2");
    bool history = row.push_slot >= 0;
    for (int j = 0; j < 3; ++j) {
        require(row.history_slot[j] >= 0 && row.history_slot[j] < 3, "sampler: history_slot must be 0 to 2");
        history = history || reads(row, D4J_TERM_M + 1 + j);
    }
    require(sample.history != nullptr || !history, "sampler: the row needs a history");
    require((row.flags & (D4J_ROW_VARIANCE | D4J_ROW_VARIANCE_RANGE)) == 0 ||
                shape.output_channels >= 2 * shape.channels,
            "sampler: a learned variance needs output_channels of at least 2 * channels");
    require((row.flags & D4J_ROW_NOISE) != 0 || !reads(row, D4J_TERM_NOISE),
            "sampler: the row uses noise that it does not draw");
    require((row.flags & D4J_ROW_THRESHOLD) == 0 || (row.quantile >= 0.0f && row.quantile <= 1.0f && row.clip > 0.0f),
            "sampler: thresholding needs a quantile in [0, 1] and a positive largest threshold");
}

// Scratch: |x0| of every sample, then the moments of every block, then what the pre-passes found.
struct Scratch {
    uint32_t* magnitudes;
    SamplerMoments* moments;
    SamplerGuidance* guidance;

    static int64_t magnitude_bytes(const d4j_sampler_shape& shape) {
        return (shape.samples * elements_of(shape) * static_cast<int64_t>(sizeof(uint32_t)) + 63) / 64 * 64;
    }
    static int64_t moment_bytes(const d4j_sampler_shape& shape) {
        return shape.samples * blocks_of(elements_of(shape)) * static_cast<int64_t>(sizeof(SamplerMoments));
    }
    static int64_t bytes(const d4j_sampler_shape& shape) {
        return magnitude_bytes(shape) + moment_bytes(shape) +
               shape.samples * static_cast<int64_t>(sizeof(SamplerGuidance));
    }
    Scratch(const d4j_sampler_shape& shape, void* base) {
        char* at = static_cast<char*>(base);
        magnitudes = reinterpret_cast<uint32_t*>(at);
        moments = reinterpret_cast<SamplerMoments*>(at + magnitude_bytes(shape));
        guidance = reinterpret_cast<SamplerGuidance*>(at + magnitude_bytes(shape) + moment_bytes(shape));
    }
};

// Calls body(sample, block, begin, end) for each block of each sample that `wanted` selects.
template <class Wanted, class Body>
void for_blocks(const d4j_sampler_shape& shape, const d4j_sampler_sample* samples, Wanted wanted, Body body) {
    const int64_t elements = elements_of(shape);
    const int64_t blocks = blocks_of(elements);
    const int64_t work = shape.samples * blocks;
#pragma omp parallel for schedule(static) if (work > 2)
    for (int64_t w = 0; w < work; ++w) {
        const int64_t s = w / blocks, begin = w % blocks * kBlock;
        if (wanted(samples[s])) body(s, w % blocks, begin, std::min(begin + kBlock, elements));
    }
}

double variance(double sum, double squares, int64_t n) {
    return n < 2 ? 0.0 : std::max(0.0, (squares - sum * sum / n) / (n - 1));
}

// phi std(c) / std(guided) + 1 - phi: arXiv 2305.08891, equations 15 and 16.
float rescale_factor(const SamplerMoments* moments, int64_t blocks, int64_t elements, float phi) {
    SamplerMoments total = {0, 0, 0, 0};
    for (int64_t b = 0; b < blocks; ++b) {
        total.conditional += moments[b].conditional;
        total.conditional_squares += moments[b].conditional_squares;
        total.guided += moments[b].guided;
        total.guided_squares += moments[b].guided_squares;
    }
    const double guided = variance(total.guided, total.guided_squares, elements);
    if (guided == 0.0) return 1.0f;
    const double ratio = std::sqrt(variance(total.conditional, total.conditional_squares, elements) / guided);
    return static_cast<float>(phi * ratio + (1.0 - phi));
}

float magnitude(uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

// The quantile of |x0| with linear interpolation between ranks, at least 1, at most the row's clip.
float threshold(const d4j_sampler_row& row, uint32_t* magnitudes, int64_t n) {
    const double rank = static_cast<double>(row.quantile) * static_cast<double>(n - 1);
    const int64_t below = static_cast<int64_t>(rank);
    std::nth_element(magnitudes, magnitudes + below, magnitudes + n);
    const double low = magnitude(magnitudes[below]);
    double value = low;
    if (below + 1 < n) {
        const double high = magnitude(*std::min_element(magnitudes + below + 1, magnitudes + n));
        value = low + (rank - static_cast<double>(below)) * (high - low);
    }
    return std::min(std::max(static_cast<float>(value), 1.0f), row.clip);
}

void run_step(const d4j_sampler_shape& shape, const d4j_sampler_sample* samples, void* scratch) {
    const SamplerKernels& kernel = kernels(shape.instruction_set);
    const int64_t elements = elements_of(shape);
    const int64_t blocks = blocks_of(elements);
    const Scratch at(shape, scratch);
    bool any_rescale = false, any_threshold = false;
    for (int32_t s = 0; s < shape.samples; ++s) {
        at.guidance[s] = {1.0f, 1.0f};
        any_rescale = any_rescale || rescales(samples[s]);
        any_threshold = any_threshold || thresholds(samples[s]);
    }
    if (any_rescale) {
        for_blocks(shape, samples, rescales, [&](int64_t s, int64_t block, int64_t begin, int64_t end) {
            kernel.moments(shape, samples[s], begin, end, at.moments + s * blocks + block);
        });
        for (int32_t s = 0; s < shape.samples; ++s) {
            if (!rescales(samples[s])) continue;
            at.guidance[s].rescale =
                rescale_factor(at.moments + s * blocks, blocks, elements, samples[s].guidance_rescale);
        }
    }
    if (any_threshold) {
        for_blocks(shape, samples, thresholds, [&](int64_t s, int64_t, int64_t begin, int64_t end) {
            kernel.magnitudes(shape, samples[s], at.guidance[s], begin, end, at.magnitudes + s * elements);
        });
#pragma omp parallel for schedule(static) if (shape.samples > 1)
        for (int32_t s = 0; s < shape.samples; ++s) {
            if (!thresholds(samples[s])) continue;
            at.guidance[s].threshold =
                threshold(samples[s].table[samples[s].row], at.magnitudes + s * elements, elements);
        }
    }
    for_blocks(
        shape, samples, [](const d4j_sampler_sample&) { return true; },
        [&](int64_t s, int64_t, int64_t begin, int64_t end) {
            kernel.step(shape, samples[s], at.guidance[s], begin, end);
        });
}

}  // namespace
}  // namespace d4j

int64_t d4j_sampler_scratch_bytes(const d4j_sampler_shape* shape) {
    int64_t bytes = -1;
    const int status = d4j::guarded([&] {
        d4j::require(shape != nullptr, "sampler: no shape");
        d4j::check_shape(*shape);
        bytes = d4j::Scratch::bytes(*shape);
    });
    return status == D4J_OK ? bytes : -1;
}

int d4j_sampler_prepare(const d4j_sampler_shape* shape, const d4j_sampler_sample* samples) {
    return d4j::guarded([&] {
        d4j::require(shape != nullptr && samples != nullptr, "sampler: no shape or no samples");
        d4j::check_shape(*shape);
        for (int32_t s = 0; s < shape->samples; ++s) {
            const d4j_sampler_sample& sample = samples[s];
            d4j::check_row(sample);
            const float timestep = sample.table[sample.row].timestep;
            if (sample.timestep != nullptr) *sample.timestep = timestep;
            if (sample.unconditional_timestep != nullptr) *sample.unconditional_timestep = timestep;
        }
        const d4j::SamplerKernels& kernel = d4j::kernels(shape->instruction_set);
        d4j::for_blocks(
            *shape, samples, [](const d4j_sampler_sample&) { return true; },
            [&](int64_t s, int64_t, int64_t begin, int64_t end) {
                kernel.prepare(*shape, samples[s], begin, end);
            });
    });
}

int d4j_sampler_step(const d4j_sampler_shape* shape, const d4j_sampler_sample* samples, void* scratch) {
    return d4j::guarded([&] {
        d4j::require(shape != nullptr && samples != nullptr && scratch != nullptr,
                     "sampler: no shape, no samples or no scratch");
        d4j::check_shape(*shape);
        for (int32_t s = 0; s < shape->samples; ++s) d4j::check_step(*shape, samples[s]);
        d4j::run_step(*shape, samples, scratch);
    });
}

int d4j_sampler_noise(uint64_t seed, int32_t noise_step, int32_t channels, int32_t pixels, int32_t nhwc, float scale,
                      float* noise) {
    return d4j::guarded([&] {
        d4j::require(channels > 0 && pixels > 0, "sampler: channels and pixels must be positive");
        const int64_t elements = static_cast<int64_t>(channels) * pixels;
        d4j::require(elements <= INT32_MAX, "sampler: a sample may have at most 2^31 - 1 elements");
        d4j::require(noise != nullptr, "sampler: no destination for the noise");
        d4j::kernels(D4J_SAMPLER_BEST)
            .noise(seed, static_cast<uint32_t>(noise_step), channels, pixels, nhwc != 0, scale, 0, elements, noise);
    });
}

int d4j_sampler_error(const float* lower, const float* higher, const float* previous, int64_t count, double atol,
                      double rtol, double* error) {
    return d4j::guarded([&] {
        d4j::require(lower != nullptr && higher != nullptr && previous != nullptr && error != nullptr,
                     "sampler: a sample of the adaptive step is missing");
        d4j::require(count > 0, "sampler: count must be positive");
        d4j::require(atol > 0 && rtol >= 0, "sampler: atol must be positive and rtol must not be negative");
        double sum = 0;
        for (int64_t i = 0; i < count; ++i) {
            const double scale = std::max(std::fabs(lower[i]), std::fabs(previous[i]));
            const double delta = (static_cast<double>(higher[i]) - lower[i]) / std::max(atol, rtol * scale);
            sum += delta * delta;
        }
        *error = std::sqrt(sum / static_cast<double>(count));
    });
}
