// The sampler's kernels for AVX2.
#define D4J_SAMPLER_KERNELS sampler_kernels_avx2
#include "sampler_kernels_body.hpp"
