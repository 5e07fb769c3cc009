// Tiles of 16-bit rows in shared memory for the attention kernels: where a 16-byte chunk lies, how rows get there, and
// the addresses that ldmatrix takes.
#pragma once

#include "arch/cp_async.cuh"
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

    /// Chunk pairs (2 i, 2 i + 1) keep their xor pattern every XOR_SPAN chunks, so this many addresses, one per
    /// pattern, reach all pairs of a row with immediate offsets.
    static constexpr int PATTERNS = XOR_BITS == 0 ? 1 : XOR_SPAN / 2;
    static D4J_HOST_DEVICE constexpr int pairImmediate(int pair) { return pair / PATTERNS * PATTERNS * 32; }
};

/// Copies ROWS rows of one head from global memory, THREADS threads, 16 bytes each at a time. Each thread keeps to one
/// chunk column: the threads beyond a multiple of CHUNKS idle, and the whole address arithmetic is one row stride.
template <int HEAD_DIM, int ROWS, int THREADS>
struct AttentionLoader {
    using Rows = AttentionRows<HEAD_DIM>;
    static constexpr int PER_PASS = THREADS / Rows::CHUNKS;
    static constexpr int PASSES = (ROWS + PER_PASS - 1) / PER_PASS;

    const char* source;  // of row `row` of the next tile
    int64_t passBytes;
    int row, chunk;
    int rowLimit;  // rows of the operand that are left, minus `row`; nothing for a chunk beyond the head

    D4J_DEVICE AttentionLoader(const void* head, int stride, int rows, int headDim) {
        row = threadIdx.x / Rows::CHUNKS;
        chunk = threadIdx.x % Rows::CHUNKS;
        source = static_cast<const char*>(head) + (static_cast<int64_t>(row) * stride + chunk * 8) * 2;
        passBytes = static_cast<int64_t>(PER_PASS) * stride * 2;
        rowLimit = chunk * 8 < headDim ? rows - row : 0;
    }

    /// Starts the copies of the next ROWS rows; rows that do not exist become zeros.
    D4J_DEVICE void load(uint32_t tile) {
        const char* from = source;
#pragma unroll
        for (int pass = 0; pass < PASSES; ++pass) {
            const bool inTile = (PASSES * PER_PASS == ROWS || row < ROWS - pass * PER_PASS) &&
                                (THREADS % Rows::CHUNKS == 0 || row < PER_PASS);
            if (inTile) {
                cpAsync16(tile + Rows::offset(row + pass * PER_PASS, chunk), from, pass * PER_PASS < rowLimit);
            }
            from += passBytes;
        }
    }

    D4J_DEVICE void advance(int stride) {
        source += static_cast<int64_t>(ROWS) * stride * 2;
        rowLimit -= ROWS;
    }
};

}  // namespace d4j
