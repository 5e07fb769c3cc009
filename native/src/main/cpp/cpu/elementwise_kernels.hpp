// The table of elementwise kernels; one per instruction set.
#pragma once

#include <cstdint>

namespace d4j {

struct ElementwiseKernels {
    // dst[i] = f(a[i], b[i]) by d4j_elementwise_kind.
    void (*map)(int kind, int src_dtype, int dst_dtype, const void* a, const void* b, void* dst, std::int64_t count,
                float scale);
    // dst[i] = a[i] * gelu_erf(b[i])
    void (*geglu)(int dtype, const void* a, const void* b, void* dst, std::int64_t count);
    // dst[i] = src[i] + row[i], the row in f32
    void (*add_row)(int dtype, const void* src, const float* row, void* dst, std::int64_t count);
    // dst[i] = (p0[i] + p1[i] + p2[i] + p3[i]) / 4
    void (*average4)(int dtype, const void* p0, const void* p1, const void* p2, const void* p3, void* dst,
                     std::int64_t count);
};

extern const ElementwiseKernels elementwise_baseline, elementwise_avx2, elementwise_avx512;

// The table for this CPU.
const ElementwiseKernels& elementwise_kernels();

}  // namespace d4j
