// One sample and its row in shared memory, and the formulas of d4j_sampler.h that the step and its statistics share.
#pragma once

#include "common/dtype.cuh"
#include "sampler/sampler_math.cuh"
#include "sampler/sampler_params.hpp"

namespace d4j {

/// Block-wide copies: every thread reads the same fields, from shared memory at no cost.
struct SamplerState {
    d4j_sampler_sample sample;
    d4j_sampler_row row;
    d4j_sampler_row next;  // the row after, where there is one
    int32_t index;         // of the row; beyond the table for a finished sample

    D4J_DEVICE bool finished() const { return index >= sample.rows; }
    D4J_DEVICE bool hasNext() const { return index + 1 < sample.rows; }
};

/// All threads of the block; a barrier stands before the return. NEXT: the row after is wanted too.
template <bool NEXT>
D4J_DEVICE void loadState(SamplerState& state, const SamplerParams& p, int sample) {
    constexpr int WORDS = 32;
    const int word = threadIdx.x % WORDS;
    if (threadIdx.x < WORDS) {
        reinterpret_cast<uint32_t*>(&state.sample)[word] = reinterpret_cast<const uint32_t*>(p.samples + sample)[word];
        __syncwarp();
        const int index = state.sample.row + (p.progress != nullptr ? p.progress[0] : 0);
        if (word == 0) state.index = index;
        if (index < state.sample.rows) {
            const uint32_t* table = reinterpret_cast<const uint32_t*>(state.sample.table + index);
            reinterpret_cast<uint32_t*>(&state.row)[word] = table[word];
            if (NEXT && index + 1 < state.sample.rows) reinterpret_cast<uint32_t*>(&state.next)[word] = table[WORDS + word];
        }
    }
    __syncthreads();
}

D4J_DEVICE float loadAs(int32_t dtype, const void* base, int64_t index) {
    switch (dtype) {
        case D4J_SAMPLER_BF16:
            return Element<DType::BF16>::toFloat(static_cast<const Element<DType::BF16>::Storage*>(base)[index]);
        case D4J_SAMPLER_F16:
            return Element<DType::F16>::toFloat(static_cast<const Element<DType::F16>::Storage*>(base)[index]);
        default:
            return static_cast<const float*>(base)[index];
    }
}

D4J_DEVICE void storeAs(int32_t dtype, void* base, int64_t index, float value) {
    switch (dtype) {
        case D4J_SAMPLER_BF16:
            static_cast<Element<DType::BF16>::Storage*>(base)[index] = Element<DType::BF16>::fromFloat(value);
            break;
        case D4J_SAMPLER_F16:
            static_cast<Element<DType::F16>::Storage*>(base)[index] = Element<DType::F16>::fromFloat(value);
            break;
        default:
            static_cast<float*>(base)[index] = value;
    }
}

/// An element of the latents, numbered in NHWC order.
struct SamplerElement {
    int64_t index;
    int pixel, channel;

    D4J_DEVICE SamplerElement(const d4j_sampler_shape& shape, int64_t i)
        : index(i), pixel(static_cast<int>(i / shape.channels)), channel(static_cast<int>(i % shape.channels)) {}

    D4J_DEVICE int64_t inOutput(const d4j_sampler_shape& shape) const {
        return static_cast<int64_t>(pixel) * shape.output_channels + channel;
    }
    D4J_DEVICE int64_t inInput(const d4j_sampler_shape& shape) const {
        return static_cast<int64_t>(pixel) * shape.input_channels + channel;
    }
    /// In NCHW order: which noise it gets.
    D4J_DEVICE uint32_t inNoise(const d4j_sampler_shape& shape) const {
        return static_cast<uint32_t>(channel) * shape.pixels + pixel;
    }
};

/// sum + coefficient * term; a coefficient of 0 means that the term is not read: it may be uninitialised, or infinite.
template <class Term>
D4J_DEVICE Exact addTerm(Exact sum, float coefficient, Term term) {
    return coefficient == 0.0f ? sum : sum + Exact(coefficient) * Exact(term());
}

/// u + g (c - u); `conditional` receives c.
D4J_DEVICE Exact guided(const d4j_sampler_shape& shape, const d4j_sampler_sample& sample, const SamplerElement& at,
                        float& conditional) {
    const int64_t index = at.inOutput(shape);
    conditional = loadAs(shape.output_dtype, sample.conditional, index);
    if (sample.unconditional == nullptr) return conditional;
    const Exact u = loadAs(shape.output_dtype, sample.unconditional, index);
    return u + Exact(sample.guidance_scale) * (Exact(conditional) - u);
}

D4J_DEVICE Exact predictX0(const d4j_sampler_row& row, float x, Exact out) {
    const Exact x0 = addTerm(0.0f, row.x0_x, [&] { return x; });
    return addTerm(x0, row.x0_output, [&] { return out.value; });
}

}  // namespace d4j
