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
template <int HEAD_DIM, bool EXACT, int ROWS, int THREADS, int OPERANDS, int HEADS>
struct AttentionLoader {
    static_assert(HEADS == 1, "see below");
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

    /// chunks: of the head.
    D4J_DEVICE AttentionLoader(unsigned thread, int chunks) {
        row = thread / GROUP;
        chunk = thread % GROUP;
        offset = Rows::offset(row, chunk);
        chunkLimit = chunks - chunk;
    }

    /// From row `first` of this head.
    D4J_DEVICE void open(int operand, const void* head, int stride, int64_t first = 0) {
        source[operand] = static_cast<const char*>(head) + ((first + row) * stride + chunk * 8) * 2;
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

/// The rows of two heads, which go to two tiles, one behind the other. Half a warp takes whole rows of one head, the other
/// half their continuation: together they touch whole sectors, and each half writes bytes that lie side by side.
template <int HEAD_DIM, bool EXACT, int ROWS, int THREADS, int OPERANDS>
struct AttentionLoader<HEAD_DIM, EXACT, ROWS, THREADS, OPERANDS, 2> {
    using Rows = AttentionRows<HEAD_DIM>;
    static constexpr int OF_WARP = 16 / Rows::CHUNKS;  // rows; the lanes that are left over are idle
    static constexpr int PER_PASS = THREADS / 32 * OF_WARP;
    static constexpr int PASSES = (ROWS + PER_PASS - 1) / PER_PASS;
    static_assert(EXACT && Rows::XOR_BITS == 0, "rows follow one another without gaps");

    const char* source[OPERANDS];
    int row, chunk;  // the chunk among those of both heads
    uint32_t offset;  // in the two tiles
    bool hasHead, busy;

    /// chunks: of both heads, or of one where there is no second.
    D4J_DEVICE AttentionLoader(unsigned thread, int chunks) {
        const int lane = thread % 16, head = thread / 16 % 2;
        row = thread / 32 * OF_WARP + lane / Rows::CHUNKS;
        chunk = head * Rows::CHUNKS + lane % Rows::CHUNKS;
        offset = head * ROWS * Rows::PITCH + Rows::offset(row, lane % Rows::CHUNKS);
        hasHead = chunk < chunks;
        busy = lane < OF_WARP * Rows::CHUNKS;
    }

    D4J_DEVICE void open(int operand, const void* head, int stride) {
        source[operand] = static_cast<const char*>(head) + (static_cast<int64_t>(row) * stride + chunk * 8) * 2;
    }

    D4J_DEVICE void load(int operand, uint32_t tile, int stride, int rows) {
        const char* from = source[operand];
        const int left = hasHead ? rows - row : 0;
#pragma unroll
        for (int pass = 0; pass < PASSES; ++pass) {
            const int first = pass * PER_PASS;
            const bool wanted = busy && (first + PER_PASS <= ROWS || row < ROWS - first);
            cpAsync16(tile + offset + first * Rows::PITCH, from, first < left, wanted);
            from += static_cast<int64_t>(PER_PASS) * stride * 2;
        }
        source[operand] += static_cast<int64_t>(ROWS) * stride * 2;
    }
};

}  // namespace d4j
