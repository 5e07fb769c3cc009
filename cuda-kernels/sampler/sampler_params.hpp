// What the sampler's kernels take, each one struct by value. Rows, samples and the shape are those of d4j_sampler.h, in
// device memory; addresses in them are device addresses.
#pragma once

#include "d4j_sampler.h"

#include "common/types.hpp"

namespace d4j {

constexpr int kSamplerThreads = 256;      // of prepare, step and initial: one element each
constexpr int kStatisticsThreads = 512;  // of statistics and error: one block a sample

/// What the statistics kernel finds out about one sample.
struct SamplerGuidance {
    float rescale;    // factor on the guided output; 1 for none
    float threshold;  // s of dynamic thresholding; 1 for none
};

/// sampler_prepare: each sample's network input and timestep, for its row.
/// sampler_step: carries out each sample's row; with prepareNext also writes the input and timestep of the row after.
/// Grid of both: (ceilDiv(channels * pixels, kSamplerThreads), samples).
/// sampler_statistics: guidance rescale and dynamic thresholding, before the step and only where a row asks for either.
/// Grid: samples.
///
/// A sample's row is sample.row + progress[0]: one recorded graph can be launched for every step, because sampler_step
/// counts progress[0] up when its last block ends. A sample whose row is beyond its table is finished and left alone.
struct SamplerParams {
    const d4j_sampler_sample* samples;
    int32_t* progress;          // [2]: steps taken, and blocks that are done (0 between launches); null: sample.row alone
    SamplerGuidance* guidance;  // [samples], or null where no row of any sample asks for statistics
    uint32_t* magnitudes;       // [samples][channels * pixels], or null where no row thresholds
    d4j_sampler_shape shape;
    int32_t prepareNext;
    int32_t reserved;
};

/// sampler_initial: latents = scale * (the noise of D4J_INITIAL_NOISE_STEP, or sample.noise where given).
/// Grid: (ceilDiv(channels * pixels, kSamplerThreads), samples).
struct SamplerInitialParams {
    const d4j_sampler_sample* samples;
    d4j_sampler_shape shape;
    float scale;
    int32_t reserved;
};

/// sampler_error: the error of an adaptive step, see d4j_sampler_error. Grid: 1.
struct SamplerErrorParams {
    const float* lower;
    const float* higher;
    const float* previous;
    double* error;
    int64_t count;
    double atol, rtol;
};

static_assert(sizeof(d4j_sampler_row) == 128 && sizeof(d4j_sampler_sample) == 128, "copied as 32 words each");
static_assert(sizeof(SamplerParams) == 72, "written by Java");
static_assert(sizeof(SamplerInitialParams) == 48, "written by Java");
static_assert(sizeof(SamplerErrorParams) == 56, "written by Java");

}  // namespace d4j
