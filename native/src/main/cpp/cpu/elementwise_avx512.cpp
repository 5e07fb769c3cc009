#include "elementwise_kernel.hpp"

const d4j::ElementwiseKernels d4j::elementwise_avx512 = d4j::kElementwiseKernels;
