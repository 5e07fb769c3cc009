// Entries of the normalisation kernels: per element type, in 16-byte vectors and (_scalar) in single elements.
#include "norm/group_norm.cuh"
#include "norm/layer_norm.cuh"

#define D4J_NORM(TYPE, NAME, VECTOR)                                                                        \
    extern "C" __global__ void __launch_bounds__(d4j::kNormThreads)                                         \
        group_norm_stats_##NAME(const __grid_constant__ d4j::GroupNormStatsParams p) {                      \
        d4j::groupNormStats<d4j::DType::TYPE, VECTOR>(p);                                                   \
    }                                                                                                       \
    extern "C" __global__ void __launch_bounds__(d4j::kNormThreads)                                         \
        group_norm_##NAME(const __grid_constant__ d4j::GroupNormParams p) {                                 \
        d4j::groupNorm<d4j::DType::TYPE, VECTOR>(p);                                                        \
    }                                                                                                       \
    extern "C" __global__ void __launch_bounds__(d4j::kNormThreads)                                         \
        layer_norm_##NAME(const __grid_constant__ d4j::LayerNormParams p) {                                 \
        extern __shared__ float4 layerNormShared[];                                                         \
        const int first = blockIdx.x * d4j::kLayerNormRows;                                                 \
        d4j::layerNorm<d4j::DType::TYPE, VECTOR, d4j::kNormThreads>(                                        \
            p, reinterpret_cast<float*>(layerNormShared), first + threadIdx.x / d4j::kWarp,                 \
            min(first + d4j::kLayerNormRows, p.rows), d4j::kNormThreads / d4j::kWarp);                      \
    }

D4J_NORM(F32, f32, 4)
D4J_NORM(F16, f16, 8)
D4J_NORM(BF16, bf16, 8)
D4J_NORM(F32, f32_scalar, 1)
D4J_NORM(F16, f16_scalar, 1)
D4J_NORM(BF16, bf16_scalar, 1)
