// The table of normalisation kernels; one per instruction set.
#pragma once

#include <cstdint>

namespace d4j {

struct NormKernels {
    // Per column of `rows` rows of c elements: the first row's value, and the sum and the sum of squares of the
    // differences from it.
    void (*column_moments)(int dtype, const void* src, std::int64_t rows, std::int64_t c, float* first, float* sum,
                           float* squares);
    // dst = (src - shift) * factor + offset, with a value per column; then SiLU if asked. dst_stride in elements.
    void (*apply_columns)(int src_dtype, int dst_dtype, const void* src, std::int64_t rows, std::int64_t c,
                          const float* shift, const float* factor, const float* offset, bool silu, void* dst,
                          std::int64_t dst_stride);
    // One row of layer normalisation; gamma and beta may be null.
    void (*layer_norm_row)(int src_dtype, int dst_dtype, const void* src, std::int64_t c, const float* gamma,
                           const float* beta, float eps, void* dst);
};

extern const NormKernels norm_baseline, norm_avx2, norm_avx512;

// The table for this CPU.
const NormKernels& norm_kernels();

}  // namespace d4j
