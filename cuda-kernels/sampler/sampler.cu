// Entries of the sampler's kernels: one for every scheduler there is.
#include "sampler/sampler_statistics.cuh"
#include "sampler/sampler_step.cuh"

extern "C" __global__ void __launch_bounds__(d4j::kSamplerThreads)
    sampler_prepare(const __grid_constant__ d4j::SamplerParams p) {
    d4j::samplerPrepare(p);
}

extern "C" __global__ void __launch_bounds__(d4j::kSamplerThreads)
    sampler_step(const __grid_constant__ d4j::SamplerParams p) {
    d4j::samplerStep(p);
}

extern "C" __global__ void __launch_bounds__(d4j::kSamplerThreads)
    sampler_initial(const __grid_constant__ d4j::SamplerInitialParams p) {
    d4j::samplerInitial(p);
}

extern "C" __global__ void __launch_bounds__(d4j::kStatisticsThreads, 1)
    sampler_statistics(const __grid_constant__ d4j::SamplerParams p) {
    d4j::samplerStatistics(p);
}

extern "C" __global__ void __launch_bounds__(d4j::kStatisticsThreads, 1)
    sampler_error(const __grid_constant__ d4j::SamplerErrorParams p) {
    d4j::samplerError(p);
}
