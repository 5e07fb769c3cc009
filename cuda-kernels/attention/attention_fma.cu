// Attention in plain f32 arithmetic: one entry per element type and width in kFmaHeadDims.
#include "attention/attention_fma.cuh"

#define D4J_ATTENTION_FMA(TYPE, NAME, HEAD_DIM)                                          \
    extern "C" __global__ void __launch_bounds__(d4j::kFmaThreads)                       \
        attention_fma_##NAME##_d##HEAD_DIM(const __grid_constant__ d4j::AttentionParams p) { \
        d4j::attentionFma<d4j::DType::TYPE, HEAD_DIM / 32>(p);                           \
    }

D4J_ATTENTION_FMA(F32, f32, 64)
D4J_ATTENTION_FMA(F32, f32, 160)
D4J_ATTENTION_FMA(F32, f32, 256)
D4J_ATTENTION_FMA(F16, f16, 64)
D4J_ATTENTION_FMA(F16, f16, 160)
D4J_ATTENTION_FMA(F16, f16, 256)
D4J_ATTENTION_FMA(BF16, bf16, 64)
D4J_ATTENTION_FMA(BF16, bf16, 160)
D4J_ATTENTION_FMA(BF16, bf16, 256)
