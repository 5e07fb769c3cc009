#include "attention_kernel.hpp"

const d4j::AttentionKernels d4j::attention_avx512bf16 = d4j::kAttentionKernels;
