// The sampler's kernels for AVX-512.
#define D4J_SAMPLER_KERNELS sampler_kernels_avx512
#include "sampler_kernels_body.hpp"
