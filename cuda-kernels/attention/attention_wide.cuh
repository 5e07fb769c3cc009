// Fused attention on tensor cores for heads so wide that the output of 32 queries leaves a warp no registers: `split`
// warps share their queries. Each computes the scores of a part of the keys and a part of the output's columns
// (attention_warp.cuh), and tells the others its probabilities: as the fragments that they are, 16 bytes a lane.
//
// One stage of K and V: V of a tile arrives during the scores, K of the next tile during the output. Two barriers a tile,
// the second of which also asks whether any reference was too low.
#pragma once

#include "arch/shared_memory.cuh"
#include "arch/special_registers.cuh"
#include "attention/attention_config.hpp"
#include "attention/attention_params.hpp"
#include "attention/attention_tile.cuh"
#include "attention/attention_warp.cuh"

namespace d4j {

/// What the warps that share queries tell each other: an area a warp.
template <class Warp>
struct AttentionExchange {
    static constexpr int M = Warp::M, STEPS = Warp::KEYS / 16;
    static constexpr int FRAGMENTS = M * STEPS * 512, ROWS = M * 16 * 4;

    uint32_t area;  // fragments of all warps, then a number for each row of each warp

    /// Which of the warps that share queries this is. Computed anew where it is needed: registers are scarce.
    static D4J_DEVICE int side() { return threadIndex() / 32 % Warp::SPLIT; }
    /// The warp that is `further` sides on.
    static D4J_DEVICE int warp(int further) {
        const int self = threadIndex() / 32;
        return self - self % Warp::SPLIT + (self + further) % Warp::SPLIT;
    }
    D4J_DEVICE uint32_t fragments(int further) const {
        return area + warp(further) * FRAGMENTS + threadIndex() % 32 * 16;
    }
    D4J_DEVICE uint32_t numbers(int further) const {
        return area + Warp::tile.warps * FRAGMENTS + warp(further) * ROWS + threadIndex() % 32 / 4 * 4;
    }

    D4J_DEVICE void tell(const uint32_t (&p)[M][STEPS][4]) const {
        const uint32_t to = fragments(0);
#pragma unroll
        for (int m = 0; m < M; ++m) {
#pragma unroll
            for (int k = 0; k < STEPS; ++k) {
                storeShared4(to + (m * STEPS + k) * 512, make_uint4(p[m][k][0], p[m][k][1], p[m][k][2], p[m][k][3]));
            }
        }
    }

    /// After a barrier.
    D4J_DEVICE void hear(uint32_t (&p)[M][STEPS][4], int further) const {
        const uint32_t from = fragments(further);
#pragma unroll
        for (int m = 0; m < M; ++m) {
#pragma unroll
            for (int k = 0; k < STEPS; ++k) {
                const uint4 x = loadSharedWords(from + (m * STEPS + k) * 512);
                p[m][k][0] = x.x;
                p[m][k][1] = x.y;
                p[m][k][2] = x.z;
                p[m][k][3] = x.w;
            }
        }
    }

    /// Numbers of the warp's rows, of which a quad of lanes holds the same.
    D4J_DEVICE void tell(const float (&x)[M][2]) const {
        if (threadIndex() % 4 != 0) return;
        const uint32_t to = numbers(0);
#pragma unroll
        for (int i = 0; i < 2 * M; ++i) storeShared(to + i * 32, x[i / 2][i % 2]);
    }

    D4J_DEVICE float hear(int row, int further) const { return loadShared(numbers(further) + row * 32); }
};

template <DType TYPE, int TILE>
D4J_DEVICE void attentionWide(const AttentionParams& p) {
    using Warp = AttentionWarp<TYPE, TILE>;
    using Rows = typename Warp::Rows;
    constexpr AttentionTile tile = Warp::tile;
    constexpr int M = tile.mTiles, SPLIT = tile.split, KEYS = Warp::KEYS;
    constexpr int THREADS = tile.warps * 32, QUERIES = attentionQueries(tile), WARP_ROWS = 16 * M;
    static_assert(tile.heads == 1 && SPLIT > 1 && 2 * tile.keys >= QUERIES, "the output fits where K and V were");
    extern __shared__ __align__(128) unsigned char attentionShared[];

    const int firstQuery = blockIdx.x * QUERIES;
    const auto warpRow = [] { return threadIndex() / 32 / SPLIT * WARP_ROWS; };
    const int64_t head = static_cast<int64_t>(blockIdx.y) * p.headDim * 2;
    const int64_t firstRow = static_cast<int64_t>(blockIdx.z) * p.qTokens + firstQuery;

    // K; V, and before it the queries; fragments of queries; exchange.
    const uint32_t tileK = sharedAddress(attentionShared), tileV = tileK + Warp::OPERAND, tileQ = tileV;
    using Exchange = AttentionExchange<Warp>;
    const Exchange exchange{tileK + attentionSharedBytes(tile) - attentionExchangeBytes(tile)};

    AttentionLoader<tile.headDim, tile.exact, QUERIES, THREADS, 1, 1> queries(threadIdx.x, p.headDim / 8);
    queries.open(0, static_cast<const char*>(p.q) + firstRow * p.qStride * 2 + head, p.qStride);
    queries.load(0, tileQ, p.qStride, p.qTokens - firstQuery);
    cpAsyncCommit();
    // The places of K and V are computed anew for each tile: registers are scarce.
    auto load = [&](uint32_t to, const void* from, int stride, int i) {
        AttentionLoader<tile.headDim, tile.exact, tile.keys, THREADS, 1, 1> rows(threadIndex(), p.headDim / 8);
        const int64_t first = static_cast<int64_t>(blockIdx.z) * p.kTokens + i * tile.keys;
        rows.open(0, static_cast<const char*>(from) + head, stride, first);
        rows.load(0, to, stride, p.kTokens - i * tile.keys);
        cpAsyncCommit();
    };
    load(tileK, p.k, p.kStride, 0);

    Warp warp(warpRow(), Exchange::side(), tileQ, tileK);
    cpAsyncWait<1>();
    __syncthreads();
    warp.keepQueries();
    warp.shareQueries(exchange.area - attentionFragmentBytes(tile) + warpRow() * (attentionFragmentBytes(tile) / QUERIES) +
                          threadIdx.x % 32 * 16,
                      Exchange::side() == 0);

    const KeyTiles tiles = keyTiles<Warp>(p, firstQuery);

    // K of tile i is there, and nobody needs the V (or the probabilities) of the tile before.
    auto begin = [&](int i) {
        cpAsyncWait<0>();
        __syncthreads();
        load(tileV, p.v, p.vStride, i);
    };
    // V of tile i and all probabilities are there, and nobody needs its K; unless a reference was too low.
    auto turn = [&](int i, bool tooLow) {
        cpAsyncWait<0>();
        if (__syncthreads_or(tooLow)) return false;
        if (i + 1 < tiles.seen) load(tileK, p.k, p.kStride, i + 1);
        return true;
    };

    float s[M][KEYS / 8][4];
    uint32_t p16[M][KEYS / 16][4];
    float sum[M][2];
    int i = 0;
    begin(0);
    while (true) {
        // Keys of this tile that exist, that the warp's first query sees, and that any of its queries sees.
        const auto end = [&] { return p.kTokens - i * tile.keys; };
        const auto limit = [&] { return p.causal ? firstQuery + warpRow() + 1 - i * tile.keys : end(); };
        const auto keysSeen = [&] { return min(p.causal ? limit() + WARP_ROWS - 1 : end(), end()); };
        const auto before = [] { return Exchange::side() * KEYS; };
        warp.template scores<true>(s, keysSeen() - before());
        warp.mask(s, limit() - before(), p.causal, end() - before());
        Warp::maxima(s, sum, p.scaleLog2);
        exchange.tell(sum);
        __syncthreads();
#pragma unroll
        for (int further = 1; further < SPLIT; ++further) {
#pragma unroll
            for (int row = 0; row < 2 * M; ++row) {
                float& highest = sum[row / 2][row % 2];
                highest = fmaxf(highest, exchange.hear(row, further));
            }
        }
        warp.rescale(sum);
        warp.template probabilities<true>(s, p16, sum, p.scaleLog2, keysSeen() - before());
        warp.addSums(sum);
        exchange.tell(p16);
        turn(i, false);
        warp.template output<true>(p16, keysSeen() - before(), Exchange::side());
#pragma unroll
        for (int further = 1; further < SPLIT; ++further) {
            exchange.hear(p16, further);
            const int theirs = (Exchange::side() + further) % SPLIT;
            warp.template output<true>(p16, keysSeen() - theirs * KEYS, theirs);
        }

        bool behind = false;
        for (++i; i < tiles.whole; ++i) {
            begin(i);
            warp.template scores<false>(s, KEYS);
            warp.template probabilities<false>(s, p16, sum, p.scaleLog2, KEYS);
            exchange.tell(p16);
            behind = !turn(i, Warp::tooLow(sum));
            if (behind) break;
            warp.addSums(sum);
            warp.template output<false>(p16, KEYS, Exchange::side());
#pragma unroll
            for (int further = 1; further < SPLIT; ++further) {
                exchange.hear(p16, further);
                warp.template output<false>(p16, KEYS, (Exchange::side() + further) % SPLIT);
            }
        }
        if (behind) continue;
        if (i >= tiles.seen) break;
        begin(i);
    }

    // Out through shared memory, where K and V were, as whole 16-byte chunks of rows.
    warp.sums(sum);
    exchange.tell(sum);
    __syncthreads();
#pragma unroll
    for (int row = 0; row < 2 * M; ++row) {
        // In one order, whichever warp it is.
        float total = 0.0f;
#pragma unroll
        for (int side = 0; side < SPLIT; ++side) total += exchange.hear(row, side + SPLIT - Exchange::side());
        sum[row / 2][row % 2] = total;
    }
    char* place = reinterpret_cast<char*>(attentionShared);
    warp.finish(place + warpRow() * Rows::PITCH, sum, Exchange::side());
    __syncthreads();
    char* out = static_cast<char*>(p.out) + firstRow * p.outStride * 2 + head;
    const int rowsLeft = p.qTokens - firstQuery;
    static_assert(QUERIES * Rows::CHUNKS % THREADS == 0, "all threads have equally many chunks");
#pragma unroll 2
    for (int pass = 0; pass < QUERIES * Rows::CHUNKS / THREADS; ++pass) {
        const int index = pass * THREADS + threadIndex(), row = index / Rows::CHUNKS, chunk = index % Rows::CHUNKS;
        if (row < rowsLeft && chunk * 8 < p.headDim) {
            *reinterpret_cast<uint4*>(out + static_cast<int64_t>(row) * p.outStride * 2 + chunk * 16) =
                *reinterpret_cast<const uint4*>(place + Rows::offset(row, chunk));
        }
    }
}

}  // namespace d4j
