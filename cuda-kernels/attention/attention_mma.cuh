// Fused attention on tensor cores for f16 and bf16 (Dao et al., "FlashAttention-2", 2023, algorithm 1, forward).
//
// A block holds a tile of queries and walks over the keys: scores S = Q K^T, running row maximum m, probabilities
// P = 2^(c (S - m)) with c = scale log2(e), output O = O 2^(c (m_old - m)) + P V, divided by the row sums at the end.
// Scores and probabilities never leave registers: the accumulator layout of two neighbouring n8 tiles of S is the A
// operand layout of one k16 step of P V. K and V are double buffered with cp.async: one barrier a tile.
//
// m need not be the maximum: any reference near it gives the same quotient. So the main loop neither looks for maxima
// nor rescales. It computes P with the reference that it has, and P's row sums, which are needed anyway, tell whether
// that was too low. Then, for the first tile, and for those that need masks (ragged end, causal diagonal), the careful
// copy of the tile code moves the reference to the maximum. It also leaves out the 16-key steps that no query of the
// warp sees: 77 keys cost 80, not 128.
#pragma once

#include "arch/ldmatrix.cuh"
#include "arch/mma.cuh"
#include "arch/special_registers.cuh"
#include "attention/attention_config.hpp"
#include "attention/attention_params.hpp"
#include "attention/attention_softmax.cuh"
#include "attention/attention_tile.cuh"
#include "common/dtype.cuh"

namespace d4j {

/// How much the probabilities of a row may add up to in one tile before its reference moves: f16 ends at 65504. The
/// reference is then at most 15 powers of two too low, never too high, and smaller probabilities gain precision.
constexpr float kHighestSum = 32768.0f;

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

    static constexpr int TILE_BYTES = KEYS * Rows::PITCH;   // of K or V of one head
    static constexpr int OPERAND = tile.heads * TILE_BYTES;

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000 && __CUDA_ARCH__ < 1200
    // The compiler for sm_100 needs a few registers more than for all others.
    static constexpr int KEPT = tile.headDim == 128 ? 4 : tile.queryStepsKept;
#else
    static constexpr int KEPT = tile.queryStepsKept;
#endif
    static_assert(!K8 || KEPT == K16 + 1, "a k8 step takes its queries from registers");

    uint32_t q[M][KEPT < K16 + K8 ? KEPT + 1 : KEPT][4];  // the last one is for the steps that are not kept
    float o[M][COLUMNS][4];
    float shift[M][2];       // reference of the exponents: a row maximum times scaleLog2; rows g, g + 8 of an m-tile
    float rowSum[M][2];      // unless by mma, of the lane's own columns
    // A lane's addresses for ldmatrix in the tiles of Q, K and V: its row and, of the first pair of chunks, its chunk.
    uint32_t qAddress, kAddress, vAddress;
    uint32_t lastColumn;     // in K for its k8 step (in V, an operand further, for its odd n8 tile): row `lane`, last chunk

    D4J_DEVICE AttentionWarp(int warpRow, uint32_t tileQ, uint32_t tileK) {
        const int lane = threadIdx.x % 32, half = lane / 16, eighth = lane / 8 % 2;
        qAddress = tileQ + Rows::offset(warpRow + lane % 16, half);
        kAddress = tileK + Rows::offset(lane % 8 + half * 8, eighth);
        vAddress = tileK + OPERAND + Rows::offset(lane % 16, half);
        lastColumn = tileK + Rows::offset(lane, Rows::CHUNKS - 1);
#pragma unroll
        for (int m = 0; m < M; ++m) {
#pragma unroll
            for (int n = 0; n < COLUMNS; ++n) {
#pragma unroll
                for (int i = 0; i < 4; ++i) o[m][n][i] = 0.0f;
            }
            rowSum[m][0] = rowSum[m][1] = 0.0f;
            shift[m][0] = shift[m][1] = unseen();
        }
    }

    /// To the other stage of K and V. (Addresses that change with each tile also stay in registers: the compiler would
    /// rather compute them again each time.)
    D4J_DEVICE void turn(uint32_t distance) {
        kAddress += distance;
        vAddress += distance;
        if constexpr (ODD) lastColumn += distance;
    }

    D4J_DEVICE void loadQueries(uint32_t (&a)[4], int m, int k) const {
        if (k < K16) {
            ldmatrixX4(a, Rows::pairAddress(qAddress, k) + m * 16 * Rows::PITCH);
        } else {
            // The last chunk alone: an odd number of chunks has no xor, and the addresses of lanes 16..31 are not used.
            uint32_t pair[2];
            ldmatrixX2(pair, Rows::pairAddress(qAddress, k) + m * 16 * Rows::PITCH);
            a[0] = pair[0];
            a[1] = pair[1];
        }
    }

    D4J_DEVICE void keepQueries() {
#pragma unroll
        for (int m = 0; m < M; ++m) {
#pragma unroll
            for (int k = 0; k < KEPT; ++k) loadQueries(q[m][k], m, k);
        }
    }

    /// S = Q K^T of one tile; key steps of 16 at or beyond keysSeen stay zero if MASKED.
    template <bool MASKED>
    D4J_DEVICE void scores(float (&s)[M][KEYS / 8][4], int keysSeen) {
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
                for (int m = 0; m < M; ++m) loadQueries(q[m][kept], m, k);
            }
#pragma unroll
            for (int n = 0; n < KEYS / 16; ++n) {
                if (MASKED && n * 16 >= keysSeen) continue;
                uint32_t b[4];
                ldmatrixX4(b, Rows::pairAddress(kAddress, k) + n * 16 * Rows::PITCH);
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
                ldmatrixX4(b, lastColumn + n * 32 * Rows::PITCH);
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

    /// Scores to probabilities, up to the factor that the row sums share, and their sums over this tile.
    template <bool MASKED>
    D4J_DEVICE void probabilities(const float (&s)[M][KEYS / 8][4], uint32_t (&p)[M][KEYS / 16][4], float (&sum)[M][2],
                                  float scaleLog2, int keysSeen) {
        const uint32_t ones = Element<TYPE>::pack(1.0f, 1.0f);
#pragma unroll
        for (int m = 0; m < M; ++m) {
            float total[4] = {0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll
            for (int k = 0; k < KEYS / 16; ++k) {
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    const float(&score)[4] = s[m][2 * k + i / 2];
                    const int half = i % 2;
                    const float x = exp2Approx(fmaf(score[2 * half], scaleLog2, -shift[m][half]));
                    const float y = exp2Approx(fmaf(score[2 * half + 1], scaleLog2, -shift[m][half]));
                    p[m][k][i] = Element<TYPE>::pack(x, y);
                    if constexpr (!tile.sumByMma) total[2 * half] += x + y;
                }
                if constexpr (tile.sumByMma) {
                    // Neighbouring keys are added first, so that the product with a column of ones is half as long.
                    if (k % 2 == 1 && !(MASKED && (k - 1) * 16 >= keysSeen)) {
                        uint32_t both[4];
#pragma unroll
                        for (int i = 0; i < 4; ++i) {
                            const uint32_t(&step)[4] = p[m][k - 1 + i / 2];
                            both[i] = Element<TYPE>::addPairs(step[i % 2], step[i % 2 + 2]);
                        }
                        if (MASKED && k * 16 >= keysSeen) {
                            Mm::k8(total, both[0], both[1], ones);
                        } else {
                            Mm::k16(total, both, ones, ones);
                        }
                    }
                }
            }
            sum[m][0] = total[0];
            sum[m][1] = total[2];
        }
    }

    /// Takes the sums of a tile, unless the reference of a row, anywhere in the warp, is too low for that tile. A NaN
    /// may pass: it stays in its row.
    D4J_DEVICE bool accepts(const float (&sum)[M][2]) {
        float highest = 0.0f;
#pragma unroll
        for (int m = 0; m < M; ++m) highest = fmaxf(highest, fmaxf(sum[m][0], sum[m][1]));
        if (__any_sync(0xffffffffu, highest > kHighestSum)) return false;
        addSums(sum);
        return true;
    }

    D4J_DEVICE void addSums(const float (&sum)[M][2]) {
#pragma unroll
        for (int m = 0; m < M; ++m) {
            rowSum[m][0] += sum[m][0];
            rowSum[m][1] += sum[m][1];
        }
    }

    /// Brings all rows of the warp to their newest maxima.
    D4J_DEVICE void rescale(const float (&s)[M][KEYS / 8][4], float scaleLog2) {
#pragma unroll
        for (int m = 0; m < M; ++m) {
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                float newest = s[m][0][2 * half];
#pragma unroll
                for (int n = 0; n < KEYS / 8; ++n) {
                    newest = fmaxf(newest, fmaxf(s[m][n][2 * half], s[m][n][2 * half + 1]));
                }
                // The 4 lanes of a quad hold one row.
                newest = fmaxf(newest, __shfl_xor_sync(0xffffffffu, newest, 1));
                newest = fmaxf(newest, __shfl_xor_sync(0xffffffffu, newest, 2)) * scaleLog2;
                newest = fmaxf(newest, shift[m][half]);
                const float decay = exp2Approx(shift[m][half] - newest);  // first tile: 2^-inf = 0
                shift[m][half] = newest;
                rowSum[m][half] *= decay;
#pragma unroll
                for (int n = 0; n < COLUMNS; ++n) {
                    o[m][n][2 * half] *= decay;
                    o[m][n][2 * half + 1] *= decay;
                }
            }
        }
    }

    /// O += P V.
    template <bool MASKED>
    D4J_DEVICE void output(const uint32_t (&p)[M][KEYS / 16][4], int keysSeen) {
#pragma unroll
        for (int k = 0; k < KEYS / 16; ++k) {
            if (MASKED && k * 16 >= keysSeen) continue;
#pragma unroll
            for (int n = 0; n < COLUMNS / 2; ++n) {
                uint32_t b[4];
                ldmatrixX4Trans(b, Rows::pairAddress(vAddress, n) + k * 16 * Rows::PITCH);
#pragma unroll
                for (int m = 0; m < M; ++m) {
                    Mm::k16(o[m][2 * n], p[m][k], b[0], b[1]);
                    Mm::k16(o[m][2 * n + 1], p[m][k], b[2], b[3]);
                }
            }
        }
        if constexpr (ODD) {
#pragma unroll
            for (int k = 0; k < KEYS / 16; k += 2) {
                if (MASKED && k * 16 >= keysSeen) continue;
                uint32_t b[4];
                ldmatrixX4Trans(b, lastColumn + OPERAND + k * 16 * Rows::PITCH);
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
        const int lane = threadIndex() % 32;
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
        const int lane = threadIndex() % 32;
#pragma unroll
        for (int m = 0; m < M; ++m) {
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                float sum = rowSum[m][half];
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
    if (busy) warp.finish(rows);
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

    AttentionLoader<tile.headDim, tile.exact, QUERIES, THREADS, 1, tile.heads> queries(heads * p.headDim / 8);
    queries.open(0, static_cast<const char*>(p.q) + firstRow * p.qStride * 2 + head, p.qStride);
    queries.load(0, tileQ, p.qStride, p.qTokens - firstQuery);
    cpAsyncCommit();
    AttentionLoader<tile.headDim, tile.exact, tile.keys, THREADS, 2, tile.heads> keys(heads * p.headDim / 8);
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

    Warp warp(warpRowOf(threadIdx.x), tileQ + headOf(threadIdx.x) * QUERIES * Rows::PITCH,
              stages + headOf(threadIdx.x) * Warp::TILE_BYTES);
    cpAsyncWait<1>();
    __syncthreads();
    warp.keepQueries();

    // Keys that any query of the block sees, and the tiles of them that all its queries see whole.
    const int seenByBlock = p.causal ? min(p.kTokens, min(firstQuery + QUERIES, p.qTokens)) : p.kTokens;
    const int seenByAll = p.causal ? min(p.kTokens, firstQuery + 1) : p.kTokens;
    const int tiles = (seenByBlock + tile.keys - 1) / tile.keys;
    const int wholeTiles = seenByAll / tile.keys;

    // Waits for tile i, then starts the copies of tile i + 1 into the stage that tile i - 1 (or Q) has left.
    auto next = [&](int i) {
        cpAsyncWait<0>();
        __syncthreads();
        if (i + 1 < tiles) loadKeys(i + 1);
    };
    auto turnTo = [&](int i) {
        next(i);
        warp.turn((i & 1) != 0 ? STAGE : -STAGE);
    };

    if (!busy) {
#pragma unroll 1
        for (int i = 0; i < tiles; ++i) next(i);
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
            warp.rescale(s, p.scaleLog2);
            warp.template probabilities<true>(s, p16, sum, p.scaleLog2, keysSeen);
            warp.addSums(sum);
            warp.template output<true>(p16, keysSeen);
        }
        bool behind = false;
        for (++i; i < wholeTiles; ++i) {
            turnTo(i);
            warp.template scores<false>(s, tile.keys);
            warp.template probabilities<false>(s, p16, sum, p.scaleLog2, tile.keys);
            behind = !warp.accepts(sum);
            if (behind) break;
            warp.template output<false>(p16, tile.keys);
        }
        if (behind) continue;
        if (i >= tiles) break;
        turnTo(i);
    }

    storeOutput(p, warp, true, firstRow, head, p.qTokens - firstQuery, heads);
}

}  // namespace d4j
