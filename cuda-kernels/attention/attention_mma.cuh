// Fused attention on tensor cores for f16 and bf16: a block holds a tile of queries, 16 or 32 a warp, and walks over the
// keys (attention_warp.cuh). K and V are double buffered with cp.async: one barrier a tile.
#pragma once

#include "arch/special_registers.cuh"
#include "attention/attention_config.hpp"
#include "attention/attention_params.hpp"
#include "attention/attention_tile.cuh"
#include "attention/attention_warp.cuh"

namespace d4j {

/// Out through shared memory, so that the stores are whole 16-byte chunks of rows, and whole sectors. The place of the
/// queries is the warp's own by now, unless K or V lie there. A warp that is not busy has no rows.
template <class Warp>
D4J_DEVICE void storeOutput(const AttentionParams& p, Warp& warp, bool busy, int64_t firstRow, int64_t head, int queries,
                            int heads) {
    using Rows = typename Warp::Rows;
    constexpr AttentionTile tile = Warp::tile;
    constexpr int QUERIES = attentionQueries(tile), WARP_ROWS = 16 * Warp::M;
    extern __shared__ __align__(128) unsigned char attentionShared[];
    if constexpr (keepsAllQueries(tile)) __syncthreads();
    if (tile.heads == 1 && !busy) return;
    const int thread = threadIndex(), warpRow = thread / 32 * WARP_ROWS;  // of a head, then of the next
    char* place = reinterpret_cast<char*>(attentionShared);
    char* rows = place + warpRow * Rows::PITCH;
    if constexpr (!keepsAllQueries(tile)) __syncwarp();
    if (busy) {
        float sum[Warp::M][2];
        warp.sums(sum);
        warp.finish(rows, sum);
    }
    if constexpr (tile.heads == 1) {
        __syncwarp();
        char* out = static_cast<char*>(p.out) + (firstRow + warpRow) * p.outStride * 2 + head;
        const int rowsLeft = queries - warpRow;
        static_assert(WARP_ROWS * Rows::CHUNKS % 32 == 0, "all lanes have equally many chunks");
#pragma unroll 2
        for (int pass = 0; pass < WARP_ROWS * Rows::CHUNKS / 32; ++pass) {
            const int i = pass * 32 + thread % 32, row = i / Rows::CHUNKS, chunk = i % Rows::CHUNKS;
            if (row < rowsLeft && chunk * 8 < p.headDim) {
                *reinterpret_cast<uint4*>(out + static_cast<int64_t>(row) * p.outStride * 2 + chunk * 16) =
                    *reinterpret_cast<const uint4*>(rows + Rows::offset(row, chunk));
            }
        }
    } else {
        // As AttentionLoader has it: half a warp for each head.
        __syncthreads();
        char* out = static_cast<char*>(p.out) + firstRow * p.outStride * 2 + head;
        constexpr int OF_WARP = 16 / Rows::CHUNKS, PER_PASS = tile.warps * OF_WARP;
        const int lane = thread % 16, side = thread / 16 % 2, chunk = lane % Rows::CHUNKS;
        if (lane >= OF_WARP * Rows::CHUNKS || side >= heads) return;
#pragma unroll 2
        for (int pass = 0; pass < ceilDiv(QUERIES, PER_PASS); ++pass) {
            const int row = pass * PER_PASS + thread / 32 * OF_WARP + lane / Rows::CHUNKS;
            if (row < min(queries, QUERIES)) {
                *reinterpret_cast<uint4*>(out + static_cast<int64_t>(row) * p.outStride * 2 +
                                          (side * Rows::CHUNKS + chunk) * 16) =
                    *reinterpret_cast<const uint4*>(place + Rows::offset(side * QUERIES + row, chunk));
            }
        }
    }
}

template <DType TYPE, int TILE>
D4J_DEVICE void attention(const AttentionParams& p) {
    using Warp = AttentionWarp<TYPE, TILE>;
    using Rows = typename Warp::Rows;
    static_assert(Warp::SPLIT == 1, "see attention_wide.cuh");
    constexpr AttentionTile tile = Warp::tile;
    constexpr int THREADS = tile.warps * 32;
    constexpr int QUERIES = attentionQueries(tile);
    constexpr int WARP_ROWS = 16 * tile.mTiles;
    constexpr int STAGE = 2 * Warp::OPERAND;
    extern __shared__ __align__(128) unsigned char attentionShared[];

    constexpr int WARPS = tile.warps / tile.heads;  // of a head
    const auto headOf = [](int thread) { return Warp::tile.heads == 1 ? 0 : thread / 32 / WARPS; };
    const auto warpRowOf = [](int thread) { return (Warp::tile.heads == 1 ? thread / 32 : thread / 32 % WARPS) * WARP_ROWS; };

    const int firstQuery = blockIdx.x * QUERIES;
    const int heads = tile.heads == 1 ? 1 : min(tile.heads, p.heads - static_cast<int>(blockIdx.y) * tile.heads);
    const bool busy = firstQuery + warpRowOf(threadIdx.x) < p.qTokens && headOf(threadIdx.x) < heads;
    const int64_t head = static_cast<int64_t>(blockIdx.y) * tile.heads * p.headDim * 2;
    const int64_t firstRow = static_cast<int64_t>(blockIdx.z) * p.qTokens + firstQuery;
    const int64_t firstKey = static_cast<int64_t>(blockIdx.z) * p.kTokens;

    const uint32_t shared = sharedAddress(attentionShared);
    const uint32_t stages = shared + (keepsAllQueries(tile) ? 0 : tile.heads * QUERIES * Rows::PITCH);
    const uint32_t tileQ = keepsAllQueries(tile) ? stages + STAGE : shared;

    AttentionLoader<tile.headDim, tile.exact, QUERIES, THREADS, 1, tile.heads> queries(threadIdx.x, heads * p.headDim / 8);
    queries.open(0, static_cast<const char*>(p.q) + firstRow * p.qStride * 2 + head, p.qStride);
    queries.load(0, tileQ, p.qStride, p.qTokens - firstQuery);
    cpAsyncCommit();
    AttentionLoader<tile.headDim, tile.exact, tile.keys, THREADS, 2, tile.heads> keys(threadIdx.x, heads * p.headDim / 8);
    keys.open(0, static_cast<const char*>(p.k) + firstKey * p.kStride * 2 + head, p.kStride);
    keys.open(1, static_cast<const char*>(p.v) + firstKey * p.vStride * 2 + head, p.vStride);
    auto loadKeys = [&](int i) {
        const uint32_t stage = stages + (i & 1) * STAGE;
        const int rows = p.kTokens - i * tile.keys;
        keys.load(0, stage, p.kStride, rows);
        keys.load(1, stage + Warp::OPERAND, p.vStride, rows);
        cpAsyncCommit();
    };
    loadKeys(0);

    Warp warp(warpRowOf(threadIdx.x), 0, tileQ + headOf(threadIdx.x) * QUERIES * Rows::PITCH,
              stages + headOf(threadIdx.x) * Warp::TILE_BYTES);
    cpAsyncWait<1>();
    __syncthreads();
    warp.keepQueries();

    const KeyTiles tiles = keyTiles<Warp>(p, firstQuery);

    // Waits for tile i, then starts the copies of tile i + 1 into the stage that tile i - 1 (or Q) has left.
    auto next = [&](int i) {
        cpAsyncWait<0>();
        __syncthreads();
        if (i + 1 < tiles.seen) loadKeys(i + 1);
    };
    auto turnTo = [&](int i) {
        next(i);
        warp.turn((i & 1) != 0 ? STAGE : -STAGE);
    };

    if (!busy) {
#pragma unroll 1
        for (int i = 0; i < tiles.seen; ++i) next(i);
        storeOutput(p, warp, false, firstRow, head, p.qTokens - firstQuery, heads);
        return;
    }
    float s[tile.mTiles][tile.keys / 8][4];
    uint32_t p16[tile.mTiles][tile.keys / 16][4];
    float sum[tile.mTiles][2];
    int i = 0;
    next(0);
    while (true) {
        const int end = p.kTokens - i * tile.keys;
        const int firstRowSeen = firstQuery + warpRowOf(threadIndex()) + 1;
        const int limit = p.causal ? firstRowSeen - i * tile.keys : end;
        const int keysSeen = min(p.causal ? limit + WARP_ROWS - 1 : end, end);
        if (keysSeen > 0) {
            warp.template scores<true>(s, keysSeen);
            warp.mask(s, limit, p.causal, end);
            float highest[tile.mTiles][2];
            Warp::maxima(s, highest, p.scaleLog2);
            warp.rescale(highest);
            warp.template probabilities<true>(s, p16, sum, p.scaleLog2, keysSeen);
            warp.addSums(sum);
            warp.template output<true>(p16, keysSeen);
        }
        bool behind = false;
        for (++i; i < tiles.whole; ++i) {
            turnTo(i);
            warp.template scores<false>(s, tile.keys);
            warp.template probabilities<false>(s, p16, sum, p.scaleLog2, tile.keys);
            behind = __any_sync(0xffffffffu, Warp::tooLow(sum));
            if (behind) break;
            warp.addSums(sum);
            warp.template output<false>(p16, tile.keys);
        }
        if (behind) continue;
        if (i >= tiles.seen) break;
        turnTo(i);
    }

    storeOutput(p, warp, true, firstRow, head, p.qTokens - firstQuery, heads);
}

}  // namespace d4j
