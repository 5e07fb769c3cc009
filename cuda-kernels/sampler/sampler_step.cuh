// The fused sampler step: guidance, conversion, limits, update, history, noise and the next network input in one pass.
// The formulas stand in d4j_sampler.h.
#pragma once

#include "sampler/sampler_row.cuh"

namespace d4j {

D4J_DEVICE Exact clampTo(Exact x, float range) {
    const float upper = x.value > range ? range : x.value;
    return upper < -range ? -range : upper;
}

/// z of one element, scaled by the learned standard deviation where the row says so.
D4J_DEVICE Exact draw(const SamplerParams& p, const SamplerState& state, const SamplerElement& at) {
    const d4j_sampler_sample& sample = state.sample;
    const uint32_t element = at.inNoise(p.shape);
    const Exact z = sample.noise != nullptr
                        ? Exact(sample.noise[state.index * sample.noise_stride + element])
                        : normalOf(sample.seed, element, static_cast<uint32_t>(state.row.noise_step));
    if ((state.row.flags & (D4J_ROW_VARIANCE | D4J_ROW_VARIANCE_RANGE)) == 0) return z;
    // The variance comes from the conditional half alone: guidance is for the mean (arXiv 2112.10741 section 2.3).
    const float v = loadAs(p.shape.output_dtype, sample.conditional, at.inOutput(p.shape) + p.shape.channels);
    if (state.row.flags & D4J_ROW_VARIANCE) return z * __fsqrt_rn(v < 0.0f ? 0.0f : v);
    const Exact fraction = (Exact(v) + 1.0f) * 0.5f;
    const Exact logVariance =
        fraction * state.row.log_variance_max + (Exact(1.0f) - fraction) * state.row.log_variance_min;
    return z * expOf(Exact(0.5f) * logVariance);
}

D4J_DEVICE void prepareElement(const SamplerParams& p, const d4j_sampler_sample& sample, const d4j_sampler_row& row,
                               const SamplerElement& at, float x) {
    const Exact value = Exact(row.input_scale) * x;
    const int64_t index = at.inInput(p.shape);
    if (sample.input != nullptr) storeAs(p.shape.input_dtype, sample.input, index, value.value);
    if (sample.unconditional_input != nullptr) {
        storeAs(p.shape.input_dtype, sample.unconditional_input, index, value.value);
    }
    if (at.index == 0) {
        if (sample.timestep != nullptr) *sample.timestep = row.timestep;
        if (sample.unconditional_timestep != nullptr) *sample.unconditional_timestep = row.timestep;
    }
}

D4J_DEVICE void stepElement(const SamplerParams& p, const SamplerState& state, const SamplerElement& at) {
    const d4j_sampler_sample& sample = state.sample;
    const d4j_sampler_row& row = state.row;
    const int64_t elements = static_cast<int64_t>(p.shape.channels) * p.shape.pixels;
    const float x = sample.latents[at.index];

    float conditional;
    Exact out = guided(p.shape, sample, at, conditional);
    const SamplerGuidance found = p.guidance != nullptr ? p.guidance[blockIdx.y] : SamplerGuidance{1.0f, 1.0f};
    if (found.rescale != 1.0f) out = Exact(found.rescale) * out;

    Exact x0 = predictX0(row, x, out);
    if (row.flags & D4J_ROW_THRESHOLD) {
        x0 = clampTo(x0, found.threshold) / found.threshold;
    } else if (row.flags & D4J_ROW_CLIP) {
        x0 = clampTo(x0, row.clip);
    }
    Exact m = addTerm(0.0f, row.m_x, [&] { return x; });
    m = addTerm(m, row.m_x0, [&] { return x0.value; });

    const bool saves = (row.flags & D4J_ROW_SAVE) != 0;
    const bool draws = row.update[D4J_TERM_NOISE] != 0.0f || (saves && row.save[D4J_TERM_NOISE] != 0.0f);
    const Exact z = draws ? draw(p, state, at) : Exact(0.0f);

    auto combine = [&](const float* coefficients) {
        Exact sum = addTerm(0.0f, coefficients[D4J_TERM_X], [&] { return x; });
        sum = addTerm(sum, coefficients[D4J_TERM_SAVED], [&] { return sample.saved[at.index]; });
        sum = addTerm(sum, coefficients[D4J_TERM_M], [&] { return m.value; });
#pragma unroll
        for (int j = 0; j < 3; ++j) {
            sum = addTerm(sum, coefficients[D4J_TERM_M + 1 + j],
                          [&] { return sample.history[row.history_slot[j] * elements + at.index]; });
        }
        sum = addTerm(sum, coefficients[D4J_TERM_OUTPUT], [&] { return out.value; });
        return addTerm(sum, coefficients[D4J_TERM_NOISE], [&] { return z.value; });
    };
    const Exact next = combine(row.update);
    if (saves) sample.saved[at.index] = combine(row.save).value;
    if (row.push_slot >= 0) sample.history[row.push_slot * elements + at.index] = m.value;
    sample.latents[at.index] = next.value;
    if (p.prepareNext && state.hasNext()) prepareElement(p, sample, state.next, at, next.value);
}

D4J_DEVICE int64_t samplerElement() { return static_cast<int64_t>(blockIdx.x) * kSamplerThreads + threadIdx.x; }

D4J_DEVICE void samplerPrepare(const SamplerParams& p) {
    __shared__ SamplerState state;
    loadState<false>(state, p, blockIdx.y);
    const int64_t index = samplerElement();
    if (state.finished() || index >= static_cast<int64_t>(p.shape.channels) * p.shape.pixels) return;
    prepareElement(p, state.sample, state.row, SamplerElement(p.shape, index), state.sample.latents[index]);
}

D4J_DEVICE void samplerStep(const SamplerParams& p) {
    __shared__ SamplerState state;
    loadState<true>(state, p, blockIdx.y);
    const int64_t index = samplerElement();
    if (!state.finished() && index < static_cast<int64_t>(p.shape.channels) * p.shape.pixels) {
        stepElement(p, state, SamplerElement(p.shape, index));
    }
    if (p.progress != nullptr && threadIdx.x == 0) {
        // This block has read progress[0] (loadState ended with a barrier). The block that ends last moves it on, and
        // its count of blocks has then wrapped round to 0: an integer, so the order of blocks shows nowhere.
        __threadfence();
        const uint32_t last = gridDim.x * gridDim.y - 1;
        if (atomicInc(reinterpret_cast<uint32_t*>(p.progress + 1), last) == last) {
            __threadfence();
            p.progress[0] += 1;
        }
    }
}

D4J_DEVICE void samplerInitial(const SamplerInitialParams& p) {
    const int64_t index = samplerElement();
    if (index >= static_cast<int64_t>(p.shape.channels) * p.shape.pixels) return;
    const d4j_sampler_sample& sample = p.samples[blockIdx.y];
    const SamplerElement at(p.shape, index);
    const uint32_t element = at.inNoise(p.shape);
    const Exact z = sample.noise != nullptr
                        ? Exact(sample.noise[element])
                        : normalOf(sample.seed, element, static_cast<uint32_t>(D4J_INITIAL_NOISE_STEP));
    sample.latents[index] = (Exact(p.scale) * z).value;
}

}  // namespace d4j
