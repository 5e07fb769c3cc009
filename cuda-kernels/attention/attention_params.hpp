// What every attention kernel takes, by value, as its only parameter.
#pragma once

#include "common/types.hpp"

namespace d4j {

/// out = softmax(scale q k^T) v per sample and head. Head h is the columns [h * headDim, (h + 1) * headDim) of a row;
/// sample b starts at row b * tokens. q, k and v may be slices of one fused buffer: the strides say how far apart rows
/// are. Grid: (query tiles, ceilDiv(heads, heads of a block), batch); in plain arithmetic y is heads times the blocks that
/// share one. See attention_config.hpp for tile and block sizes.
struct AttentionParams {
    const void* q;
    const void* k;
    const void* v;
    void* out;
    int32_t qTokens, kTokens;  // both at least 1
    int32_t headDim;
    int32_t causal;  // 1: query i sees the keys 0..i
    int32_t qStride, kStride, vStride, outStride;  // elements
    float scaleLog2;  // scale * log2(e), positive: the softmax is computed with powers of two
    int32_t heads;    // read where a block does several
};

static_assert(sizeof(AttentionParams) == 72, "written by Java");

}  // namespace d4j
