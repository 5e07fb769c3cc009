// What a step needs to know about a whole sample before it begins: the standard deviations of guidance rescale and the
// quantile of dynamic thresholding. One block a sample; sums in a fixed order, the quantile by exact selection.
#pragma once

#include "common/reduce.cuh"
#include "sampler/sampler_row.cuh"

namespace d4j {

constexpr int kStatisticsWarps = kStatisticsThreads / kWarp;

/// Sums over the block in a fixed order; every thread gets them. `scratch` is [N][kStatisticsWarps] and may not be used
/// again without a barrier.
template <int N>
D4J_DEVICE void blockSums(double (&x)[N], double* scratch) {
#pragma unroll
    for (int j = 0; j < N; ++j) {
#pragma unroll
        for (int distance = kWarp / 2; distance > 0; distance /= 2) {
            x[j] += __shfl_xor_sync(kAllLanes, x[j], distance);
        }
        if (threadIdx.x % kWarp == 0) scratch[j * kStatisticsWarps + threadIdx.x / kWarp] = x[j];
    }
    __syncthreads();
#pragma unroll
    for (int j = 0; j < N; ++j) {
        x[j] = 0.0;
        for (int i = 0; i < kStatisticsWarps; ++i) x[j] += scratch[j * kStatisticsWarps + i];
    }
}

D4J_DEVICE double variance(double sum, double squares, double n) {
    if (n < 2.0) return 0.0;
    const double v = (squares - sum * sum / n) / (n - 1.0);
    return v > 0.0 ? v : 0.0;
}

/// phi std(c) / std(guided) + 1 - phi: arXiv 2305.08891, equations 15 and 16.
D4J_DEVICE float rescaleFactor(const SamplerParams& p, const SamplerState& state, int64_t elements, double* scratch) {
    double sums[4] = {};  // of the conditional output, its squares, the guided output, its squares
    for (int64_t i = threadIdx.x; i < elements; i += kStatisticsThreads) {
        float conditional;
        const double g = guided(p.shape, state.sample, SamplerElement(p.shape, i), conditional).value;
        const double c = conditional;
        sums[0] += c;
        sums[1] += c * c;
        sums[2] += g;
        sums[3] += g * g;
    }
    blockSums(sums, scratch);
    const double n = static_cast<double>(elements);
    const double after = variance(sums[2], sums[3], n);
    if (after == 0.0) return 1.0f;
    const double phi = state.sample.guidance_rescale;
    return static_cast<float>(phi * sqrt(variance(sums[0], sums[1], n) / after) + (1.0 - phi));
}

/// Digits of the selection: 11 + 10 + 10 bits are all of a magnitude's 31.
constexpr int kDigits = 3;
constexpr int kBins = 2048;

struct Selection {
    uint32_t bins[kBins];
    uint32_t warpTotals[kStatisticsWarps];
    uint32_t digit;   // the bin that holds the rank
    uint32_t inside;  // rank within it
    uint32_t count;   // elements in it
};

/// Finds the bin that holds the element of this rank: a scan over the block.
D4J_DEVICE void findBin(Selection& s, uint32_t rank) {
    constexpr int OWN = kBins / kStatisticsThreads;  // neighbouring bins of a thread
    const int bin = threadIdx.x * OWN;
    const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
    uint32_t own = 0;
    for (int i = 0; i < OWN; ++i) own += s.bins[bin + i];
    uint32_t upTo = own;
#pragma unroll
    for (int distance = 1; distance < kWarp; distance *= 2) {
        const uint32_t below = __shfl_up_sync(kAllLanes, upTo, distance);
        if (lane >= distance) upTo += below;
    }
    if (lane == kWarp - 1) s.warpTotals[warp] = upTo;
    __syncthreads();
    uint32_t start = upTo - own;
    for (int i = 0; i < warp; ++i) start += s.warpTotals[i];
    if (rank >= start && rank < start + own) {
        int i = bin;
        for (; rank >= start + s.bins[i]; ++i) start += s.bins[i];
        s.digit = i;
        s.inside = rank - start;
        s.count = s.bins[i];
    }
    __syncthreads();
}

/// `scratch` may not be used again without a barrier.
D4J_DEVICE uint32_t blockMinimum(uint32_t x, uint32_t* scratch) {
    x = __reduce_min_sync(kAllLanes, x);
    if (threadIdx.x % kWarp == 0) scratch[threadIdx.x / kWarp] = x;
    __syncthreads();
    uint32_t least = scratch[0];
    for (int i = 1; i < kStatisticsWarps; ++i) least = min(least, scratch[i]);
    return least;
}

/// The quantile of |x0| with linear interpolation between ranks, at least 1, at most the row's clip. Radix selection on
/// the bits of |x0|, which are ordered as the values are, NaN last. Each thread reads only the magnitudes that it wrote.
D4J_DEVICE float threshold(const SamplerParams& p, const SamplerState& state, float rescale, int64_t elements,
                           Selection& s) {
    uint32_t* magnitudes = p.magnitudes + blockIdx.x * elements;
    const double exactRank = static_cast<double>(state.row.quantile) * static_cast<double>(elements - 1);
    const int64_t below = static_cast<int64_t>(exactRank);
    uint32_t rank = static_cast<uint32_t>(below);
    uint32_t prefix = 0, count = 0;
    int shift = 31;
    for (int digit = 0; digit < kDigits; ++digit) {
        const int bits = digit == 0 ? 11 : 10;
        shift -= bits;
        for (int i = 0; i < kBins / kStatisticsThreads; ++i) s.bins[i * kStatisticsThreads + threadIdx.x] = 0;
        __syncthreads();
        for (int64_t i = threadIdx.x; i < elements; i += kStatisticsThreads) {
            if (digit == 0) {
                float conditional;
                Exact out = guided(p.shape, state.sample, SamplerElement(p.shape, i), conditional);
                if (rescale != 1.0f) out = Exact(rescale) * out;
                const float x0 = predictX0(state.row, state.sample.latents[i], out).value;
                magnitudes[i] = __float_as_uint(x0) & 0x7fffffffu;
            }
            const uint32_t m = magnitudes[i];
            if (digit == 0 || m >> (shift + bits) == prefix) {
                atomicAdd(&s.bins[(m >> shift) & ((1u << bits) - 1)], 1u);  // integers: any order gives the same
            }
        }
        __syncthreads();
        findBin(s, rank);
        prefix = prefix << bits | s.digit;
        rank = s.inside;
        count = s.count;
        // The next round writes digit, inside and count only behind its own barriers.
    }
    const double low = __uint_as_float(prefix);
    double value = low;
    if (below + 1 < elements) {
        double high = low;
        if (rank + 1 == count) {
            // The next rank is the least of the larger ones.
            uint32_t least = 0xffffffffu;
            for (int64_t i = threadIdx.x; i < elements; i += kStatisticsThreads) {
                if (magnitudes[i] > prefix) least = min(least, magnitudes[i]);
            }
            high = __uint_as_float(blockMinimum(least, s.warpTotals));
        }
        value = low + (exactRank - static_cast<double>(below)) * (high - low);
    }
    return fminf(fmaxf(static_cast<float>(value), 1.0f), state.row.clip);
}

D4J_DEVICE void samplerStatistics(const SamplerParams& p) {
    __shared__ SamplerState state;
    __shared__ Selection selection;
    __shared__ double scratch[4 * kStatisticsWarps];
    loadState<false>(state, p, blockIdx.x);
    if (state.finished()) return;
    const int64_t elements = static_cast<int64_t>(p.shape.channels) * p.shape.pixels;
    SamplerGuidance found = {1.0f, 1.0f};
    if (state.sample.unconditional != nullptr && state.sample.guidance_rescale > 0.0f) {
        found.rescale = rescaleFactor(p, state, elements, scratch);
    }
    if (state.row.flags & D4J_ROW_THRESHOLD) {
        found.threshold = threshold(p, state, found.rescale, elements, selection);
    }
    if (threadIdx.x == 0) p.guidance[blockIdx.x] = found;
}

/// Root mean square over the elements of (higher - lower) / max(atol, rtol max(|lower|, |previous|)).
D4J_DEVICE void samplerError(const SamplerErrorParams& p) {
    __shared__ double scratch[kStatisticsWarps];
    double sum[1] = {};
#pragma unroll 1
    for (int64_t i = threadIdx.x; i < p.count; i += kStatisticsThreads) {
        const double scale = fmaxf(fabsf(p.lower[i]), fabsf(p.previous[i]));
        const double delta = (static_cast<double>(p.higher[i]) - p.lower[i]) / fmax(p.atol, p.rtol * scale);
        sum[0] += delta * delta;
    }
    blockSums(sum, scratch);
    if (threadIdx.x == 0) *p.error = sqrt(sum[0] / static_cast<double>(p.count));
}

}  // namespace d4j
