#include "elementwise_kernel.hpp"

const d4j::ElementwiseKernels d4j::elementwise_avx2 = d4j::kElementwiseKernels;
