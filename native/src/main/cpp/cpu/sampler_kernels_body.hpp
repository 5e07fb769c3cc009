// The sampler's kernels, written once and compiled for each instruction set by the file that includes this one and
// names the table in D4J_SAMPLER_KERNELS. Work goes in chunks that stay in the first-level cache: each loop below does
// one thing to a whole chunk, which is what compilers vectorise well.
#pragma once

#include "sampler_kernels.hpp"
#include "sampler_math.hpp"

namespace d4j {
namespace {

constexpr int kChunk = 256;

int chunk_length(int64_t begin, int64_t end) {
    return static_cast<int>(end - begin < kChunk ? end - begin : kChunk);
}

// Where the elements of an NHWC chunk are in another layout.
template <class Index>
void indices(int64_t begin, int n, int32_t channels, Index index_of, int64_t* __restrict index) {
    int64_t pixel = begin / channels;
    int32_t channel = static_cast<int32_t>(begin % channels);
    for (int i = 0; i < n; ++i) {
        index[i] = index_of(pixel, channel);
        if (++channel == channels) {
            channel = 0;
            ++pixel;
        }
    }
}

void load(const d4j_sampler_shape& shape, const void* output, int32_t first_channel, int64_t begin, int n,
          float* __restrict to) {
    const bool dense = shape.output_channels == shape.channels;
    int64_t index[kChunk];
    if (!dense) {
        indices(
            begin, n, shape.channels,
            [&](int64_t pixel, int32_t channel) { return pixel * shape.output_channels + first_channel + channel; },
            index);
    }
    if (shape.output_dtype == D4J_SAMPLER_F32) {
        const float* from = static_cast<const float*>(output);
        if (dense) {
            for (int i = 0; i < n; ++i) to[i] = from[begin + i];
        } else {
            for (int i = 0; i < n; ++i) to[i] = from[index[i]];
        }
    } else {
        const uint16_t* from = static_cast<const uint16_t*>(output);
        if (dense) {
            for (int i = 0; i < n; ++i) to[i] = bf16_to_float(from[begin + i]);
        } else {
            for (int i = 0; i < n; ++i) to[i] = bf16_to_float(from[index[i]]);
        }
    }
}

// u + g (c - u), rescaled.
void guided(const d4j_sampler_shape& shape, const d4j_sampler_sample& sample, float rescale, int64_t begin, int n,
            float* __restrict out) {
    load(shape, sample.conditional, 0, begin, n, out);
    if (sample.unconditional != nullptr) {
        float u[kChunk];
        load(shape, sample.unconditional, 0, begin, n, u);
        const float g = sample.guidance_scale;
        for (int i = 0; i < n; ++i) out[i] = u[i] + g * (out[i] - u[i]);
        if (rescale != 1.0f) {
            for (int i = 0; i < n; ++i) out[i] = rescale * out[i];
        }
    }
}

// A coefficient of 0 means that the other operand is not read: it may be uninitialised, or infinite.
void add_term(float coefficient, const float* __restrict term, int n, float* __restrict sum) {
    if (coefficient == 0.0f) return;
    for (int i = 0; i < n; ++i) sum[i] = sum[i] + coefficient * term[i];
}

void predict_x0(const d4j_sampler_row& row, const float* x, const float* out, int n, float* __restrict x0) {
    for (int i = 0; i < n; ++i) x0[i] = 0.0f;
    add_term(row.x0_x, x, n, x0);
    add_term(row.x0_output, out, n, x0);
}

void clamp(float range, int n, float* __restrict values) {
    for (int i = 0; i < n; ++i) {
        const float v = values[i];
        const float upper = v > range ? range : v;
        values[i] = upper < -range ? -range : upper;
    }
}

void normals(uint64_t seed, uint32_t step, const int64_t* __restrict element, int n, float* __restrict z) {
    const uint32_t key0 = static_cast<uint32_t>(seed);
    const uint32_t key1 = static_cast<uint32_t>(seed >> 32);
    for (int i = 0; i < n; ++i) z[i] = normal_of(key0, key1, static_cast<uint32_t>(element[i]), step);
}

void draw(const d4j_sampler_shape& shape, const d4j_sampler_sample& sample, const d4j_sampler_row& row, int64_t begin,
          int n, float* __restrict z) {
    int64_t element[kChunk];
    indices(
        begin, n, shape.channels,
        [&](int64_t pixel, int32_t channel) { return static_cast<int64_t>(channel) * shape.pixels + pixel; }, element);
    if (sample.noise != nullptr) {
        const float* given = sample.noise + sample.row * sample.noise_stride;
        for (int i = 0; i < n; ++i) z[i] = given[element[i]];
    } else {
        normals(sample.seed, static_cast<uint32_t>(row.noise_step), element, n, z);
    }
    if ((row.flags & (D4J_ROW_VARIANCE | D4J_ROW_VARIANCE_RANGE)) == 0) return;
    // The variance comes from the conditional half alone: guidance is for the mean (arXiv 2112.10741 section 2.3).
    float v[kChunk];
    load(shape, sample.conditional, shape.channels, begin, n, v);
    if (row.flags & D4J_ROW_VARIANCE) {
        for (int i = 0; i < n; ++i) z[i] = z[i] * __builtin_sqrtf(v[i] < 0.0f ? 0.0f : v[i]);
    } else {
        const float low = row.log_variance_min, high = row.log_variance_max;
        for (int i = 0; i < n; ++i) {
            const float fraction = (v[i] + 1.0f) * 0.5f;
            z[i] = z[i] * exp_of(0.5f * (fraction * high + (1.0f - fraction) * low));
        }
    }
}

void prepare(const d4j_sampler_shape& shape, const d4j_sampler_sample& sample, int64_t begin, int64_t end) {
    const float scale = sample.table[sample.row].input_scale;
    void* const inputs[] = {sample.input, sample.unconditional_input};
    for (; begin < end; begin += kChunk) {
        const int n = chunk_length(begin, end);
        float value[kChunk];
        int64_t index[kChunk];
        for (int i = 0; i < n; ++i) value[i] = scale * sample.latents[begin + i];
        indices(
            begin, n, shape.channels,
            [&](int64_t pixel, int32_t channel) { return pixel * shape.input_channels + channel; }, index);
        for (void* input : inputs) {
            if (input == nullptr) continue;
            if (shape.input_dtype == D4J_SAMPLER_F32) {
                float* to = static_cast<float*>(input);
                for (int i = 0; i < n; ++i) to[index[i]] = value[i];
            } else {
                uint16_t* to = static_cast<uint16_t*>(input);
                for (int i = 0; i < n; ++i) to[index[i]] = float_to_bf16(value[i]);
            }
        }
    }
}

void moments(const d4j_sampler_shape& shape, const d4j_sampler_sample& sample, int64_t begin, int64_t end,
             SamplerMoments* sums) {
    SamplerMoments m = {0, 0, 0, 0};
    for (; begin < end; begin += kChunk) {
        const int n = chunk_length(begin, end);
        float c[kChunk], out[kChunk];
        load(shape, sample.conditional, 0, begin, n, c);
        guided(shape, sample, 1.0f, begin, n, out);
        for (int i = 0; i < n; ++i) {
            const double a = c[i], b = out[i];
            m.conditional += a;
            m.conditional_squares += a * a;
            m.guided += b;
            m.guided_squares += b * b;
        }
    }
    *sums = m;
}

void magnitudes(const d4j_sampler_shape& shape, const d4j_sampler_sample& sample, const SamplerGuidance& guidance,
                int64_t begin, int64_t end, uint32_t* to) {
    const d4j_sampler_row& row = sample.table[sample.row];
    for (; begin < end; begin += kChunk) {
        const int n = chunk_length(begin, end);
        float out[kChunk], x0[kChunk];
        guided(shape, sample, guidance.rescale, begin, n, out);
        predict_x0(row, sample.latents + begin, out, n, x0);
        for (int i = 0; i < n; ++i) to[begin + i] = float_to_bits(x0[i]) & 0x7fffffffu;
    }
}

void step(const d4j_sampler_shape& shape, const d4j_sampler_sample& sample, const SamplerGuidance& guidance,
          int64_t begin, int64_t end) {
    const d4j_sampler_row& row = sample.table[sample.row];
    const int64_t elements = static_cast<int64_t>(shape.channels) * shape.pixels;
    const bool saves = (row.flags & D4J_ROW_SAVE) != 0;
    const bool draws = row.update[D4J_TERM_NOISE] != 0.0f || (saves && row.save[D4J_TERM_NOISE] != 0.0f);
    for (; begin < end; begin += kChunk) {
        const int n = chunk_length(begin, end);
        float* x = sample.latents + begin;
        float out[kChunk], x0[kChunk], m[kChunk], z[kChunk], next[kChunk], saved[kChunk];
        guided(shape, sample, guidance.rescale, begin, n, out);
        predict_x0(row, x, out, n, x0);
        if (row.flags & D4J_ROW_THRESHOLD) {
            clamp(guidance.threshold, n, x0);
            for (int i = 0; i < n; ++i) x0[i] = x0[i] / guidance.threshold;
        } else if (row.flags & D4J_ROW_CLIP) {
            clamp(row.clip, n, x0);
        }
        for (int i = 0; i < n; ++i) m[i] = next[i] = saved[i] = 0.0f;
        add_term(row.m_x, x, n, m);
        add_term(row.m_x0, x0, n, m);
        if (draws) draw(shape, sample, row, begin, n, z);

        const float* terms[D4J_TERMS] = {x, nullptr, m, nullptr, nullptr, nullptr, out, z};
        if (sample.saved != nullptr) terms[D4J_TERM_SAVED] = sample.saved + begin;
        if (sample.history != nullptr) {
            for (int j = 0; j < 3; ++j) {
                terms[D4J_TERM_M + 1 + j] = sample.history + row.history_slot[j] * elements + begin;
            }
        }
        for (int t = 0; t < D4J_TERMS; ++t) add_term(row.update[t], terms[t], n, next);
        if (saves) {
            for (int t = 0; t < D4J_TERMS; ++t) add_term(row.save[t], terms[t], n, saved);
            for (int i = 0; i < n; ++i) sample.saved[begin + i] = saved[i];
        }
        if (row.push_slot >= 0) {
            float* slot = sample.history + row.push_slot * elements + begin;
            for (int i = 0; i < n; ++i) slot[i] = m[i];
        }
        for (int i = 0; i < n; ++i) x[i] = next[i];
    }
}

void noise(uint64_t seed, uint32_t noise_step, int32_t channels, int32_t pixels, bool nhwc, float scale, int64_t begin,
           int64_t end, float* to) {
    for (; begin < end; begin += kChunk) {
        const int n = chunk_length(begin, end);
        int64_t element[kChunk];
        float z[kChunk];
        if (nhwc) {
            indices(
                begin, n, channels,
                [&](int64_t pixel, int32_t channel) { return static_cast<int64_t>(channel) * pixels + pixel; },
                element);
        } else {
            for (int i = 0; i < n; ++i) element[i] = begin + i;
        }
        normals(seed, noise_step, element, n, z);
        for (int i = 0; i < n; ++i) to[begin + i] = scale * z[i];
    }
}

}  // namespace

const SamplerKernels D4J_SAMPLER_KERNELS = {prepare, moments, magnitudes, step, noise};

}  // namespace d4j
