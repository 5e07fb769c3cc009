// mma.sync: D = A B + D on tensor cores, one warp, f32 accumulators (PTX ISA, "mma.sync").
//
// With g = lane / 4 and t = lane % 4, registers hold
//   A (row)    {(g, k0), (g + 8, k0), (g, k1), (g + 8, k1)}   (row, first k of the register)
//   B (column) {(k0, g), (k1, g)}
//   D          {(g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1)}
// where a register is two 16-bit elements (k, k + 1), k0 = 2t, k1 = 2t + 8, or one tf32 element, k0 = t, k1 = t + 4. The
// k8 forms of the 16-bit types have only the k0 registers.
#pragma once

#include "common/types.hpp"

namespace d4j {

template <DType TYPE>
struct Mma;

template <>
struct Mma<DType::F16> {
    static constexpr int K = 16;

    static D4J_DEVICE void k16(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
        asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
            "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
            : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
    }

    static D4J_DEVICE void k8(float (&d)[4], uint32_t a0, uint32_t a1, uint32_t b0) {
        asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 "
            "{%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
            : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
            : "r"(a0), "r"(a1), "r"(b0));
    }
};

template <>
struct Mma<DType::BF16> {
    static constexpr int K = 16;

    static D4J_DEVICE void k16(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
        asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
            "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
            : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
    }

    static D4J_DEVICE void k8(float (&d)[4], uint32_t a0, uint32_t a1, uint32_t b0) {
        asm("mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 "
            "{%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
            : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
            : "r"(a0), "r"(a1), "r"(b0));
    }
};

/// Operands are f32 bits of which the tensor core reads sign, exponent and the upper 10 mantissa bits: round them first
/// (roundToTf32), or they are cut off.
template <>
struct Mma<DType::TF32> {
    static constexpr int K = 8;

    static D4J_DEVICE void k8(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
        asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
            "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
            : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
    }
};

}  // namespace d4j
