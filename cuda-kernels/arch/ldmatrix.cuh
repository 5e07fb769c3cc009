// ldmatrix: 8x8 matrices of 16-bit elements from shared memory into mma fragments (PTX ISA, "ldmatrix").
//
// Lane i gives the address of row i % 8 of matrix i / 8 (16 bytes, 16-byte aligned). Afterwards each register holds, for
// its matrix, the 32 bits at (row lane / 4, column pair lane % 4); with Trans those of the transposed matrix. A pair of
// columns may as well be one 32-bit element: tf32 fragments are loaded with the plain form.
#pragma once

#include "common/types.hpp"

namespace d4j {

D4J_DEVICE void ldmatrixX2(uint32_t (&d)[2], uint32_t shared) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
                 : "=r"(d[0]), "=r"(d[1])
                 : "r"(shared)
                 : "memory");
}

D4J_DEVICE void ldmatrixX4(uint32_t (&d)[4], uint32_t shared) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
                 : "r"(shared)
                 : "memory");
}

D4J_DEVICE void ldmatrixX4Trans(uint32_t (&d)[4], uint32_t shared) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
                 : "r"(shared)
                 : "memory");
}

}  // namespace d4j
