// The sampler's kernels as one table of functions per instruction set.
#pragma once

#include "d4j_sampler.h"

namespace d4j {

// What the pre-passes found out about one sample.
struct SamplerGuidance {
    float rescale;    // factor on the guided output; 1 for none
    float threshold;  // s of dynamic thresholding
};

// Sums over a block of elements, for the standard deviations of guidance rescale.
struct SamplerMoments {
    double conditional, conditional_squares, guided, guided_squares;
};

// Each works on the elements [begin, end) of one sample, in NHWC order.
struct SamplerKernels {
    void (*prepare)(const d4j_sampler_shape&, const d4j_sampler_sample&, int64_t begin, int64_t end);
    void (*moments)(const d4j_sampler_shape&, const d4j_sampler_sample&, int64_t begin, int64_t end,
                    SamplerMoments* moments);
    // The bits of |x0|: as unsigned integers they are ordered as the values are, NaN last.
    void (*magnitudes)(const d4j_sampler_shape&, const d4j_sampler_sample&, const SamplerGuidance&, int64_t begin,
                       int64_t end, uint32_t* magnitudes);
    void (*step)(const d4j_sampler_shape&, const d4j_sampler_sample&, const SamplerGuidance&, int64_t begin,
                 int64_t end);
    // NCHW order here if not nhwc.
    void (*noise)(uint64_t seed, uint32_t step, int32_t channels, int32_t pixels, bool nhwc, float scale,
                  int64_t begin, int64_t end, float* noise);
};

extern const SamplerKernels sampler_kernels_base;
extern const SamplerKernels sampler_kernels_avx2;
extern const SamplerKernels sampler_kernels_avx512;

}  // namespace d4j
