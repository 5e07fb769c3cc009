#include "elementwise_kernel.hpp"

const d4j::ElementwiseKernels d4j::elementwise_baseline = d4j::kElementwiseKernels;
