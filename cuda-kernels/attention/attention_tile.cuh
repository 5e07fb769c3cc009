// How rows of queries, keys and values get into shared memory.
#pragma once

#include "arch/cp_async.cuh"
#include "attention/attention_rows.hpp"

namespace d4j {

/// Copies ROWS rows of one head from global memory, THREADS threads, 16 bytes each at a time; of one operand, or of K and
/// V together, whose rows come and end together.
///
/// Neighbouring threads take the chunks of a group (whole rows where that is possible), and step through the groups of
/// the row: at least 32 bytes side by side. A group is a multiple of the xor's span, and the rows of two passes are a
/// multiple of 8 apart, so all shared addresses of a thread are one register and constants.
template <int HEAD_DIM, bool EXACT, int ROWS, int THREADS, int OPERANDS>
struct AttentionLoader {
    using Rows = AttentionRows<HEAD_DIM>;
    static constexpr int GROUP = Rows::XOR_BITS == 0                          ? Rows::CHUNKS
                                 : Rows::CHUNKS % (THREADS / 8) == 0          ? THREADS / 8
                                 : Rows::XOR_BITS == 3 && Rows::CHUNKS <= THREADS / 8 ? Rows::CHUNKS
                                                                              : Rows::XOR_SPAN;
    static constexpr int STEPS = Rows::CHUNKS / GROUP;
    static constexpr int PER_PASS = THREADS / GROUP;
    static constexpr int PASSES = (ROWS + PER_PASS - 1) / PER_PASS;
    static constexpr bool CHECKS_CHUNKS = !EXACT && STEPS > 1;
    static constexpr bool ALL_BUSY = THREADS % GROUP == 0 && PASSES * PER_PASS == ROWS;
    static_assert(Rows::XOR_BITS == 0 || PER_PASS % 8 == 0, "a thread keeps its xor pattern");

    const char* source[OPERANDS];  // of row `row` of the next tile
    int row, chunk;
    uint32_t offset;  // in a tile
    int chunkLimit;   // chunks of the head, minus `chunk`

    D4J_DEVICE explicit AttentionLoader(int headDim) {
        row = threadIdx.x / GROUP;
        chunk = threadIdx.x % GROUP;
        offset = Rows::offset(row, chunk);
        chunkLimit = headDim / 8 - chunk;
    }

    D4J_DEVICE void open(int operand, const void* head, int stride) {
        source[operand] = static_cast<const char*>(head) + (static_cast<int64_t>(row) * stride + chunk * 8) * 2;
    }

    /// Starts the copies of the next ROWS rows of an operand, which has `rows` more, to `tile`; what does not exist
    /// becomes zeros.
    D4J_DEVICE void load(int operand, uint32_t tile, int stride, int rows) {
        const char* from = source[operand];
        // Rows follow one another in the tile, so that the place tells whether a row exists, and no register keeps it.
        const uint32_t end = min(max(rows, 0), ROWS) * Rows::PITCH;
        const bool hasChunk = EXACT || CHECKS_CHUNKS || chunkLimit > 0;
#pragma unroll
        for (int pass = 0; pass < PASSES; ++pass) {
#pragma unroll
            for (int step = 0; step < STEPS; ++step) {
                const uint32_t place = offset + pass * PER_PASS * Rows::PITCH;
                const bool exists = place < end && (CHECKS_CHUNKS ? step * GROUP < chunkLimit : hasChunk);
                const uint32_t to = tile + place + step * GROUP * 16;
                if constexpr (ALL_BUSY) {
                    cpAsync16(to, from + step * GROUP * 16, exists);
                } else {
                    cpAsync16(to, from + step * GROUP * 16, exists, row < min(PER_PASS, ROWS - pass * PER_PASS));
                }
            }
            from += static_cast<int64_t>(PER_PASS) * stride * 2;
        }
        source[operand] += static_cast<int64_t>(ROWS) * stride * 2;
    }
};

}  // namespace d4j
