// Layer normalisation (Ba et al., "Layer Normalization", 2016, equation 4): a warp a row. The row stays in registers
// between mean, deviation and output where it fits (2048 channels in vectors, 512 single elements); longer rows are read
// again.
#pragma once

#include "common/reduce.cuh"
#include "norm/norm_config.hpp"
#include "norm/norm_params.hpp"
#include "norm/norm_vector.cuh"

namespace d4j {

template <DType TYPE, int VECTOR>
struct LayerNormRow {
    static constexpr int KEPT = VECTOR == 1 ? 16 : 64 / VECTOR;  // vectors of a lane: 64 f32 registers at most

    float x[KEPT][VECTOR];
    const LayerNormParams& p;
    int64_t base;
    int lane;

    /// Calls use(values, first channel) for all vectors of this lane, kept ones first; reads them if FRESH.
    template <bool FRESH, class Use>
    D4J_DEVICE void forEach(Use use) {
#pragma unroll
        for (int i = 0; i < KEPT; ++i) {
            const int channel = (i * kWarp + lane) * VECTOR;
            if (channel < p.channels) {
                if (FRESH) loadVector<TYPE>(x[i], p.src, base + channel);
                use(x[i], channel);
            }
        }
#pragma unroll 1
        for (int channel = (KEPT * kWarp + lane) * VECTOR; channel < p.channels; channel += kWarp * VECTOR) {
            float again[VECTOR];
            loadVector<TYPE>(again, p.src, base + channel);
            use(again, channel);
        }
    }
};

/// Rows row, row + step and so on below `end`, a warp each; by all threads of a block. shared: 8 bytes a channel.
template <DType TYPE, int VECTOR, int THREADS>
D4J_DEVICE void layerNorm(const LayerNormParams& p, float* shared, int row, int end, int step) {
    using Parameters = ChannelParameters<VECTOR>;
    float *scales = shared, *shifts = shared + p.channels;
    const int vectors = p.channels / VECTOR;
    for (int i = threadIdx.x; i < p.channels; i += THREADS) {
        const int at = Parameters::index(i, vectors);
        scales[at] = p.gamma != nullptr ? p.gamma[i] : 1.0f;
        shifts[at] = p.beta != nullptr ? p.beta[i] : 0.0f;
    }
    __syncthreads();
#pragma unroll 1
    for (; row < end; row += step) {
        LayerNormRow<TYPE, VECTOR> values{{}, p, static_cast<int64_t>(row) * p.srcStride,
                                          static_cast<int>(threadIdx.x % kWarp)};
        float sum = 0.0f;
        values.template forEach<true>([&](const float(&x)[VECTOR], int) {
#pragma unroll
            for (int i = 0; i < VECTOR; ++i) sum += x[i];
        });
        const float mean = warpReduce<Sum>(sum) / p.channels;
        float square = 0.0f;
        values.template forEach<false>([&](const float(&x)[VECTOR], int) {
#pragma unroll
            for (int i = 0; i < VECTOR; ++i) square = fmaf(x[i] - mean, x[i] - mean, square);
        });
        const float rstd = 1.0f / sqrtf(warpReduce<Sum>(square) / p.channels + p.eps);
        values.template forEach<false>([&](const float(&x)[VECTOR], int channel) {
            float scale[VECTOR], y[VECTOR];
            Parameters::load(scale, scales, channel / VECTOR, vectors);
            Parameters::load(y, shifts, channel / VECTOR, vectors);
#pragma unroll
            for (int i = 0; i < VECTOR; ++i) y[i] = fmaf((x[i] - mean) * rstd, scale[i], y[i]);
            storeVector<TYPE>(p.dst, static_cast<int64_t>(row) * p.dstStride + channel, y);
        });
    }
}

}  // namespace d4j
