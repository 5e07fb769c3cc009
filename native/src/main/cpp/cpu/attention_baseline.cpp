#include "attention_kernel.hpp"

const d4j::AttentionKernels d4j::attention_baseline = d4j::kAttentionKernels;
