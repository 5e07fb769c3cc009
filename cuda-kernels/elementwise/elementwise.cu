// Entries of the elementwise kernels.
#include "elementwise/pointwise.cuh"
#include "elementwise/resample.cuh"
#include "elementwise/timestep.cuh"

#define D4J_ENTRY(NAME, PARAMS, CALL)                                                     \
    extern "C" __global__ void __launch_bounds__(d4j::kElementwiseThreads)                \
        NAME(const __grid_constant__ d4j::PARAMS p) {                                     \
        CALL(p);                                                                          \
    }

#define D4J_CONVERTING(SRC, SRC_NAME, DST, DST_NAME)                                                              \
    D4J_ENTRY(pointwise_##SRC_NAME##_##DST_NAME, PointwiseParams, (d4j::pointwise<d4j::DType::SRC, d4j::DType::DST>)) \
    D4J_ENTRY(copy_##SRC_NAME##_##DST_NAME, RowsParams, (d4j::copyRows<d4j::DType::SRC, d4j::DType::DST>))

#define D4J_ELEMENTWISE(TYPE, NAME)                                                    \
    D4J_CONVERTING(TYPE, NAME, TYPE, NAME)                                             \
    D4J_ENTRY(geglu_##NAME, RowsParams, d4j::geglu<d4j::DType::TYPE>)                  \
    D4J_ENTRY(add_embedding_##NAME, RowsParams, d4j::addEmbedding<d4j::DType::TYPE>)   \
    D4J_ENTRY(embedding_lookup_##NAME, RowsParams, d4j::embeddingLookup<d4j::DType::TYPE>) \
    D4J_ENTRY(image_encode_##NAME, ImageParams, d4j::imageEncode<d4j::DType::TYPE>)    \
    D4J_ENTRY(image_decode_##NAME, ImageParams, d4j::imageDecode<d4j::DType::TYPE>)    \
    D4J_ENTRY(upsample_nearest_##NAME, ResampleParams, d4j::upsampleNearest<d4j::DType::TYPE>) \
    D4J_ENTRY(avg_pool_##NAME, ResampleParams, d4j::avgPool<d4j::DType::TYPE>)         \
    D4J_ENTRY(nchw_to_nhwc_##NAME, LayoutParams, d4j::nchwToNhwc<d4j::DType::TYPE>)    \
    D4J_ENTRY(nhwc_to_nchw_##NAME, LayoutParams, d4j::nhwcToNchw<d4j::DType::TYPE>)

D4J_ELEMENTWISE(F32, f32)
D4J_ELEMENTWISE(F16, f16)
D4J_ELEMENTWISE(BF16, bf16)
D4J_CONVERTING(F32, f32, F16, f16)
D4J_CONVERTING(F32, f32, BF16, bf16)
D4J_CONVERTING(F16, f16, F32, f32)
D4J_CONVERTING(BF16, bf16, F32, f32)
D4J_ENTRY(timestep_embedding, TimestepParams, d4j::timestepEmbedding)
