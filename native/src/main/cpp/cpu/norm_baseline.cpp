#include "norm_kernel.hpp"

const d4j::NormKernels d4j::norm_baseline = d4j::kNormKernels;
