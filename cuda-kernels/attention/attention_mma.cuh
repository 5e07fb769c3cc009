// Fused attention on tensor cores for f16 and bf16 (Dao et al., "FlashAttention-2", 2023, algorithm 1, forward).
//
// A block holds a tile of queries and walks over the keys: scores S = Q K^T, running row maximum m, probabilities
// P = 2^(c (S - m)) with c = scale log2(e), output O = O 2^(c (m_old - m)) + P V, divided by the row sums at the end.
// Scores and probabilities never leave registers: the accumulator layout of two neighbouring n8 tiles of S is the A
// operand layout of one k16 step of P V. K and V are double buffered with cp.async: one barrier a tile.
//
// Only the last tiles (ragged end, causal diagonal) compute masks, in a second copy of the tile code, which also leaves
// out the 16-key steps that no query of the warp sees: 77 keys cost 80, not 128.
#pragma once

#include "arch/ldmatrix.cuh"
#include "arch/mma.cuh"
#include "attention/attention_config.hpp"
#include "attention/attention_params.hpp"
#include "attention/attention_softmax.cuh"
#include "attention/attention_tile.cuh"
#include "common/dtype.cuh"

namespace d4j {

/// How far, as a power of two, a score may exceed the reference of its row.
constexpr float kSlack = 8.0f;

template <DType TYPE, int TILE>
struct AttentionWarp {
    static constexpr AttentionTile tile = kAttentionTiles[TILE];
    static constexpr int M = tile.mTiles;
    static constexpr int KEYS = tile.keys;
    static constexpr int K16 = tile.headDim / 16;           // k16 steps of Q K^T
    static constexpr bool K8 = tile.headDim % 16 != 0;      // and a k8 step
    static constexpr int COLUMNS = tile.headDim / 8;        // n8 tiles of the output
    static constexpr bool ODD = COLUMNS % 2 != 0;
    using Rows = AttentionRows<tile.headDim>;
    using Mm = Mma<TYPE>;

    static constexpr int KEPT = tile.queryStepsKept;
    static_assert(!K8 || KEPT == K16 + 1, "a k8 step takes its queries from registers");

    uint32_t q[M][KEPT < K16 + K8 ? KEPT + 1 : KEPT][4];  // the last one is for the steps that are not kept
    float o[M][COLUMNS][4];
    float shift[M][2];       // reference of the exponents: a row maximum times scaleLog2; rows g, g + 8 of an m-tile
    float rowSum[M][4];      // by mma: accumulators, of which [0] and [2] count; else [0] and [2] are a lane's part
    int lane;
    // What a lane adds to a tile's address for ldmatrix: its row and, of the first pair of chunks, its chunk.
    uint32_t qOffset, kOffset, vOffset;
    uint32_t lastColumn;     // of K for its k8 step and of V for its odd n8 tile: row `lane`, last chunk

    D4J_DEVICE explicit AttentionWarp(int warpRow) {
        lane = threadIdx.x % 32;
        const int half = lane / 16, eighth = lane / 8 % 2;
        qOffset = Rows::offset(warpRow + lane % 16, half);
        kOffset = Rows::offset(lane % 8 + half * 8, eighth);
        vOffset = Rows::offset(lane % 16, half);
        lastColumn = Rows::offset(lane, Rows::CHUNKS - 1);
#pragma unroll
        for (int m = 0; m < M; ++m) {
#pragma unroll
            for (int n = 0; n < COLUMNS; ++n) {
#pragma unroll
                for (int i = 0; i < 4; ++i) o[m][n][i] = 0.0f;
            }
#pragma unroll
            for (int i = 0; i < 4; ++i) rowSum[m][i] = 0.0f;
            shift[m][0] = shift[m][1] = unseen();
        }
    }

    D4J_DEVICE void loadQueries(uint32_t (&a)[4], uint32_t tileQ, int m, int k) const {
        if (k < K16) {
            ldmatrixX4(a, Rows::pairAddress(tileQ + qOffset, k) + m * 16 * Rows::PITCH);
        } else {
            // The last chunk alone: an odd number of chunks has no xor, and the addresses of lanes 16..31 are not used.
            uint32_t pair[2];
            ldmatrixX2(pair, Rows::pairAddress(tileQ + qOffset, k) + m * 16 * Rows::PITCH);
            a[0] = pair[0];
            a[1] = pair[1];
        }
    }

    D4J_DEVICE void keepQueries(uint32_t tileQ) {
#pragma unroll
        for (int m = 0; m < M; ++m) {
#pragma unroll
            for (int k = 0; k < KEPT; ++k) loadQueries(q[m][k], tileQ, m, k);
        }
    }

    /// S = Q K^T of one tile; key steps of 16 at or beyond keysSeen stay zero if MASKED.
    template <bool MASKED>
    D4J_DEVICE void scores(float (&s)[M][KEYS / 8][4], uint32_t tileQ, uint32_t tileK, int keysSeen) {
#pragma unroll
        for (int m = 0; m < M; ++m) {
#pragma unroll
            for (int n = 0; n < KEYS / 8; ++n) {
#pragma unroll
                for (int i = 0; i < 4; ++i) s[m][n][i] = 0.0f;
            }
        }
#pragma unroll
        for (int k = 0; k < K16; ++k) {
            const int kept = k < KEPT ? k : KEPT;
            if (k >= KEPT) {
#pragma unroll
                for (int m = 0; m < M; ++m) loadQueries(q[m][kept], tileQ, m, k);
            }
#pragma unroll
            for (int n = 0; n < KEYS / 16; ++n) {
                if (MASKED && n * 16 >= keysSeen) continue;
                uint32_t b[4];
                ldmatrixX4(b, Rows::pairAddress(tileK + kOffset, k) + n * 16 * Rows::PITCH);
#pragma unroll
                for (int m = 0; m < M; ++m) {
                    Mm::k16(s[m][2 * n], q[m][kept], b[0], b[1]);
                    Mm::k16(s[m][2 * n + 1], q[m][kept], b[2], b[3]);
                }
            }
        }
        if constexpr (K8) {
#pragma unroll
            for (int n = 0; n < KEYS / 32; ++n) {
                if (MASKED && n * 32 >= keysSeen) continue;
                uint32_t b[4];
                ldmatrixX4(b, tileK + lastColumn + n * 32 * Rows::PITCH);
#pragma unroll
                for (int m = 0; m < M; ++m) {
#pragma unroll
                    for (int i = 0; i < 4; ++i) {
                        if (MASKED && n * 32 + i / 2 * 16 >= keysSeen) continue;
                        Mm::k8(s[m][4 * n + i], q[m][K16][0], q[m][K16][1], b[i]);
                    }
                }
            }
        }
    }

    /// Whether a score exceeds the reference of its row by more than kSlack, anywhere in the warp; `top` receives the
    /// maxima that a lane sees.
    ///
    /// The reference may be stale: any within 2^kSlack of the maximum gives the same quotient, nothing overflows (f16 ends
    /// at 2^16) and smaller probabilities gain precision. So the rescaling, and the exchange between the lanes of a row,
    /// leave the common path; the first tile takes it, because the reference starts at -inf.
    D4J_DEVICE bool outgrows(const float (&s)[M][KEYS / 8][4], float (&top)[M][2], float scaleLog2) const {
        bool grows = false;
#pragma unroll
        for (int m = 0; m < M; ++m) {
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                top[m][half] = s[m][0][2 * half];
#pragma unroll
                for (int n = 0; n < KEYS / 8; ++n) {
                    top[m][half] = fmaxf(top[m][half], fmaxf(s[m][n][2 * half], s[m][n][2 * half + 1]));
                }
                grows = grows || top[m][half] * scaleLog2 > shift[m][half] + kSlack;
            }
        }
        return __any_sync(0xffffffffu, grows);
    }

    /// Scores to probabilities, up to the factor that the row sums share.
    D4J_DEVICE void probabilities(float (&s)[M][KEYS / 8][4], float scaleLog2) {
#pragma unroll
        for (int m = 0; m < M; ++m) {
#pragma unroll
            for (int n = 0; n < KEYS / 8; ++n) {
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    s[m][n][i] = exp2Approx(fmaf(s[m][n][i], scaleLog2, -shift[m][i / 2]));
                    if constexpr (!tile.sumByMma) rowSum[m][i / 2 * 2] += s[m][n][i];
                }
            }
        }
    }

    /// Brings all rows of the warp to their newest maxima.
    D4J_DEVICE void rescale(float (&top)[M][2], float scaleLog2) {
#pragma unroll
        for (int m = 0; m < M; ++m) {
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                // The 4 lanes of a quad hold one row.
                float newest = fmaxf(top[m][half], __shfl_xor_sync(0xffffffffu, top[m][half], 1));
                newest = fmaxf(newest, __shfl_xor_sync(0xffffffffu, newest, 2)) * scaleLog2;
                newest = fmaxf(newest, shift[m][half]);
                const float decay = exp2Approx(shift[m][half] - newest);  // first tile: 2^-inf = 0
                shift[m][half] = newest;
                rowSum[m][2 * half] *= decay;
#pragma unroll
                for (int n = 0; n < COLUMNS; ++n) {
                    o[m][n][2 * half] *= decay;
                    o[m][n][2 * half + 1] *= decay;
                }
            }
        }
    }

    /// O += P V, and the row sums.
    template <bool MASKED>
    D4J_DEVICE void output(const float (&s)[M][KEYS / 8][4], uint32_t tileV, int keysSeen) {
        uint32_t p[M][KEYS / 16][4];
#pragma unroll
        for (int m = 0; m < M; ++m) {
#pragma unroll
            for (int k = 0; k < KEYS / 16; ++k) {
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    const float(&pair)[4] = s[m][2 * k + i / 2];
                    p[m][k][i] = Element<TYPE>::pack(pair[i % 2 * 2], pair[i % 2 * 2 + 1]);
                }
            }
        }
        const uint32_t ones = Element<TYPE>::pack(1.0f, 1.0f);
#pragma unroll
        for (int k = 0; k < KEYS / 16; ++k) {
            if (MASKED && k * 16 >= keysSeen) continue;
#pragma unroll
            for (int n = 0; n < COLUMNS / 2; ++n) {
                uint32_t b[4];
                ldmatrixX4Trans(b, Rows::pairAddress(tileV + vOffset, n) + k * 16 * Rows::PITCH);
#pragma unroll
                for (int m = 0; m < M; ++m) {
                    Mm::k16(o[m][2 * n], p[m][k], b[0], b[1]);
                    Mm::k16(o[m][2 * n + 1], p[m][k], b[2], b[3]);
                }
            }
            if constexpr (tile.sumByMma) {
#pragma unroll
                for (int m = 0; m < M; ++m) Mm::k16(rowSum[m], p[m][k], ones, ones);
            }
        }
        if constexpr (ODD) {
#pragma unroll
            for (int k = 0; k < KEYS / 16; k += 2) {
                if (MASKED && k * 16 >= keysSeen) continue;
                uint32_t b[4];
                ldmatrixX4Trans(b, tileV + lastColumn + k * 16 * Rows::PITCH);
#pragma unroll
                for (int m = 0; m < M; ++m) {
                    Mm::k16(o[m][COLUMNS - 1], p[m][k], b[0], b[1]);
                    if (MASKED && k * 16 + 16 >= keysSeen) continue;
                    Mm::k16(o[m][COLUMNS - 1], p[m][k + 1], b[2], b[3]);
                }
            }
        }
    }

    /// limit: keys of this tile that the first row of the warp sees, growing by `slope` (0 or 1) a row up to `end`.
    D4J_DEVICE void mask(float (&s)[M][KEYS / 8][4], int limit, int slope, int end) const {
#pragma unroll
        for (int m = 0; m < M; ++m) {
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const int seen = min(limit + slope * (m * 16 + half * 8 + lane / 4), end);
#pragma unroll
                for (int n = 0; n < KEYS / 8; ++n) {
#pragma unroll
                    for (int i = 0; i < 2; ++i) {
                        if (n * 8 + lane % 4 * 2 + i >= seen) s[m][n][2 * half + i] = unseen();
                    }
                }
            }
        }
    }

    /// The divided output, as 16-bit rows of this warp at `rows` in shared memory.
    D4J_DEVICE void finish(char* rows) {
#pragma unroll
        for (int m = 0; m < M; ++m) {
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                float sum = rowSum[m][2 * half];
                if constexpr (!tile.sumByMma) {
                    sum += __shfl_xor_sync(0xffffffffu, sum, 1);
                    sum += __shfl_xor_sync(0xffffffffu, sum, 2);
                }
                const float inverse = 1.0f / sum;
                const int row = m * 16 + half * 8 + lane / 4;
#pragma unroll
                for (int n = 0; n < COLUMNS; ++n) {
                    *reinterpret_cast<uint32_t*>(rows + Rows::offset(row, n) + lane % 4 * 4) =
                        Element<TYPE>::pack(o[m][n][2 * half] * inverse, o[m][n][2 * half + 1] * inverse);
                }
            }
        }
    }
};

template <DType TYPE, int TILE>
D4J_DEVICE void attention(const AttentionParams& p) {
    using Warp = AttentionWarp<TYPE, TILE>;
    using Rows = typename Warp::Rows;
    constexpr AttentionTile tile = Warp::tile;
    constexpr int THREADS = tile.warps * 32;
    constexpr int QUERIES = attentionQueries(tile);
    constexpr int WARP_ROWS = 16 * tile.mTiles;
    constexpr int OPERAND = tile.keys * Rows::PITCH;
    extern __shared__ __align__(128) unsigned char attentionShared[];

    const int firstQuery = blockIdx.x * QUERIES;
    const int warpRow = threadIdx.x / 32 * WARP_ROWS;
    const bool busy = firstQuery + warpRow < p.qTokens;
    const int64_t head = static_cast<int64_t>(blockIdx.y) * p.headDim * 2;
    const int64_t firstRow = static_cast<int64_t>(blockIdx.z) * p.qTokens + firstQuery;
    const int64_t firstKey = static_cast<int64_t>(blockIdx.z) * p.kTokens;

    const uint32_t shared = sharedAddress(attentionShared);
    const uint32_t stages = shared + (keepsAllQueries(tile) ? 0 : QUERIES * Rows::PITCH);
    const uint32_t tileQ = keepsAllQueries(tile) ? stages + 2 * OPERAND : shared;

    AttentionLoader<tile.headDim, tile.exact, QUERIES, THREADS, 1> queries(p.qTokens - firstQuery, p.headDim);
    queries.open(0, static_cast<const char*>(p.q) + firstRow * p.qStride * 2 + head, p.qStride);
    queries.load(0, tileQ, p.qStride);
    cpAsyncCommit();
    AttentionLoader<tile.headDim, tile.exact, tile.keys, THREADS, 2> keys(p.kTokens, p.headDim);
    keys.open(0, static_cast<const char*>(p.k) + firstKey * p.kStride * 2 + head, p.kStride);
    keys.open(1, static_cast<const char*>(p.v) + firstKey * p.vStride * 2 + head, p.vStride);
    auto loadKeys = [&](uint32_t stage) {
        keys.load(0, stage, p.kStride);
        keys.load(1, stage + OPERAND, p.vStride);
        keys.advance();
        cpAsyncCommit();
    };
    loadKeys(stages);

    Warp warp(warpRow);
    cpAsyncWait<1>();
    __syncthreads();
    warp.keepQueries(tileQ);

    // Keys that any query of the block sees, and the tiles of them that all its queries see whole.
    const int seenByBlock = p.causal ? min(p.kTokens, min(firstQuery + QUERIES, p.qTokens)) : p.kTokens;
    const int seenByAll = p.causal ? min(p.kTokens, firstQuery + 1) : p.kTokens;
    const int tiles = (seenByBlock + tile.keys - 1) / tile.keys;
    const int wholeTiles = seenByAll / tile.keys;

    // Waits for tile i, then starts the copies of tile i + 1 into the stage that tile i - 1 (or Q) has left.
    auto next = [&](int i) {
        cpAsyncWait<0>();
        __syncthreads();
        if (i + 1 < tiles) loadKeys(stages + ((i + 1) & 1) * 2 * OPERAND);
        return stages + (i & 1) * 2 * OPERAND;
    };

    float s[tile.mTiles][tile.keys / 8][4];
    float top[tile.mTiles][2];
    int i = 0;
    while (i < wholeTiles) {
        // The main loop ends where the references have to move, so that its body holds nothing rare.
        uint32_t stage = 0;
        bool behind = false;
        for (; i < wholeTiles; ++i) {
            stage = next(i);
            if (!busy) continue;
            warp.template scores<false>(s, tileQ, stage, tile.keys);
            behind = warp.outgrows(s, top, p.scaleLog2);
            if (behind) break;
            warp.probabilities(s, p.scaleLog2);
            warp.template output<false>(s, stage + OPERAND, tile.keys);
        }
        if (behind) {
            warp.rescale(top, p.scaleLog2);
            warp.probabilities(s, p.scaleLog2);
            warp.template output<false>(s, stage + OPERAND, tile.keys);
            ++i;
        }
    }
    for (; i < tiles; ++i) {
        const uint32_t stage = next(i);
        const int end = p.kTokens - i * tile.keys;
        const int limit = p.causal ? firstQuery + warpRow + 1 - i * tile.keys : end;
        const int keysSeen = min(p.causal ? limit + WARP_ROWS - 1 : end, end);
        if (busy && keysSeen > 0) {
            warp.template scores<true>(s, tileQ, stage, keysSeen);
            warp.mask(s, limit, p.causal, end);
            if (warp.outgrows(s, top, p.scaleLog2)) warp.rescale(top, p.scaleLog2);
            warp.probabilities(s, p.scaleLog2);
            warp.template output<true>(s, stage + OPERAND, keysSeen);
        }
    }

    // Out through shared memory, so that the stores are whole 16-byte chunks of rows.
    __syncthreads();
    if (!busy) return;
    char* rows = reinterpret_cast<char*>(attentionShared) + warpRow * Rows::PITCH;
    warp.finish(rows);
    __syncwarp();
    char* out = static_cast<char*>(p.out) + (firstRow + warpRow) * p.outStride * 2 + head;
    const int rowsLeft = p.qTokens - firstQuery - warpRow;
#pragma unroll 4
    for (int chunk = warp.lane; chunk < WARP_ROWS * Rows::CHUNKS; chunk += 32) {
        const int row = chunk / Rows::CHUNKS, column = chunk % Rows::CHUNKS;
        if (row < rowsLeft && column * 8 < p.headDim) {
            *reinterpret_cast<uint4*>(out + static_cast<int64_t>(row) * p.outStride * 2 + column * 16) =
                *reinterpret_cast<const uint4*>(rows + Rows::offset(row, column));
        }
    }
}

}  // namespace d4j
