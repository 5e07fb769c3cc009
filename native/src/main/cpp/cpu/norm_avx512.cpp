#include "norm_kernel.hpp"

const d4j::NormKernels d4j::norm_avx512 = d4j::kNormKernels;
