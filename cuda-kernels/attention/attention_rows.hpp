// Where the 16-byte chunks of a tile of 16-bit rows lie in shared memory. Plain values, checked on the host in test/.
#pragma once

#include "common/types.hpp"

namespace d4j {

/// Rows of HEAD_DIM halves, HEAD_DIM a multiple of 8, without padding.
///
/// ldmatrix reads 8 rows at one chunk (16 bytes). They fall into 8 different bank groups if chunk addresses differ
/// modulo 8. Row r begins at chunk r * CHUNKS; with CHUNKS = odd * 2^e only every 2^e-th value modulo 8 occurs, so the
/// chunk within the row is xor-ed with the e bits of the row that lost their effect: bits 3 - e .. 2.
template <int HEAD_DIM>
struct AttentionRows {
    static constexpr int CHUNKS = HEAD_DIM / 8;
    static constexpr int PITCH = HEAD_DIM * 2;
    static constexpr int XOR_BITS = CHUNKS % 8 == 0 ? 3 : CHUNKS % 4 == 0 ? 2 : CHUNKS % 2 == 0 ? 1 : 0;
    static constexpr int XOR_SPAN = 1 << XOR_BITS;

    static D4J_HOST_DEVICE constexpr int swizzle(int row) { return (row >> (3 - XOR_BITS)) & (XOR_SPAN - 1); }

    static D4J_HOST_DEVICE constexpr int offset(int row, int chunk) {
        return row * PITCH + ((chunk ^ swizzle(row)) << 4);
    }

    /// Address of the chunk pair (2 pair, 2 pair + 1) of a row, given that of its first pair. A row begins at a multiple
    /// of XOR_SPAN chunks (if tiles do), so the xor of the pair's number commutes with the row's own.
    static D4J_HOST_DEVICE constexpr uint32_t pairAddress(uint32_t firstPair, int pair) {
        constexpr int PATTERNS = XOR_BITS == 0 ? 1 : XOR_SPAN / 2;
        return (firstPair ^ (pair % PATTERNS * 32)) + pair / PATTERNS * PATTERNS * 32;
    }
};

}  // namespace d4j
