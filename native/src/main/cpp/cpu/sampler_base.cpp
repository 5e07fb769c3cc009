// The sampler's kernels for any x86-64.
#define D4J_SAMPLER_KERNELS sampler_kernels_base
#include "sampler_kernels_body.hpp"
