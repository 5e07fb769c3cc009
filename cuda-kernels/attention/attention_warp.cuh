// What one warp of an attention kernel does with a tile of keys (Dao et al., "FlashAttention-2", 2023, algorithm 1,
// forward): scores S = Q K^T, running row maximum m, probabilities P = 2^(c (S - m)) with c = scale log2(e), output
// O = O 2^(c (m_old - m)) + P V, divided by the row sums at the end.
//
// Scores and probabilities stay in registers: the accumulator layout of two neighbouring n8 tiles of S is the A operand
// layout of one k16 step of P V.
//
// m need not be the maximum: any reference near it gives the same quotient. So the main loop neither looks for maxima
// nor rescales. It computes P with the reference that it has, and P's row sums, which are needed anyway, tell whether
// that was too low. Then, for the first tile, and for those that need masks (ragged end, causal diagonal), the careful
// copy of the tile code moves the reference to the maximum. It also leaves out the 16-key steps that no query of the
// warp sees: 77 keys cost 80, not 128.
//
// c is not multiplied into the queries, which would save an instruction a score: their second rounding shows where
// scores are large.
#pragma once

#include "arch/ldmatrix.cuh"
#include "arch/mma.cuh"
#include "arch/shared_memory.cuh"
#include "arch/special_registers.cuh"
#include "attention/attention_config.hpp"
#include "attention/attention_params.hpp"
#include "attention/attention_rows.hpp"
#include "attention/attention_softmax.cuh"
#include "common/dtype.cuh"

namespace d4j {

/// How much the probabilities of a row may add up to in one tile before its reference moves: f16 ends at 65504. The
/// reference is then at most 15 powers of two too low, never too high, and smaller probabilities gain precision.
constexpr float kHighestSum = 32768.0f;

/// SPLIT warps share their queries. Of a tile of keys each has the scores of its own part, and of the output the columns
/// of every SPLIT-th n16 tile.
template <DType TYPE, int TILE>
struct AttentionWarp {
    static constexpr AttentionTile tile = kAttentionTiles[TILE];
    static constexpr int M = tile.mTiles;
    static constexpr int SPLIT = tile.split;
    static constexpr int KEYS = tile.keys / SPLIT;
    static constexpr int K16 = tile.headDim / 16;           // k16 steps of Q K^T
    static constexpr bool K8 = tile.headDim % 16 != 0;      // and a k8 step
    static constexpr int COLUMNS = tile.headDim / 8 / SPLIT;  // n8 tiles of the output
    static constexpr bool ODD = COLUMNS % 2 != 0;
    static_assert(SPLIT == 1 || tile.headDim % (16 * SPLIT) == 0 && tile.keys % (16 * SPLIT) == 0, "equal shares");
    static_assert(!tile.sumByMma || KEYS % 32 == 0, "sums take two steps at a time");
    using Rows = AttentionRows<tile.headDim>;
    using Mm = Mma<TYPE>;

    static constexpr int TILE_BYTES = tile.keys * Rows::PITCH;  // of K or V of one head
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
    // A lane's addresses for ldmatrix in the tiles of Q (or that of its part of fragments), K and V: its row and, of the
    // first pair of chunks, its chunk.
    uint32_t qAddress, kAddress, vAddress;
    uint32_t lastColumn;     // in K for its k8 step (in V, an operand further, for its odd n8 tile): row `lane`, last chunk

    /// side: which of the warps that share queries. V lies an operand behind K.
    D4J_DEVICE AttentionWarp(int warpRow, int side, uint32_t tileQ, uint32_t tileK) {
        const int lane = threadIdx.x % 32, half = lane / 16, eighth = lane / 8 % 2;
        qAddress = tileQ + Rows::offset(warpRow + lane % 16, half);
        kAddress = tileK + side * KEYS * Rows::PITCH + Rows::offset(lane % 8 + half * 8, eighth);
        vAddress = tileK + OPERAND + Rows::pairAddress(Rows::offset(lane % 16, half), side);
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
        if (SPLIT > 1 && k >= KEPT) {
            const uint4 x = loadSharedWords(qAddress + queryFragment(m, k));
            a[0] = x.x, a[1] = x.y, a[2] = x.z, a[3] = x.w;
        } else if (k < K16) {
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

    /// The warps that share queries keep the rest as fragments in shared memory: 16 bytes a lane at `fragments`, which is
    /// the lane's own address. One of them writes; a barrier must follow.
    D4J_DEVICE void shareQueries(uint32_t fragments, bool writes) {
        if (writes) {
#pragma unroll
            for (int m = 0; m < M; ++m) {
#pragma unroll
                for (int k = KEPT; k < K16; ++k) {
                    uint32_t a[4];
                    ldmatrixX4(a, Rows::pairAddress(qAddress, k) + m * 16 * Rows::PITCH);
                    storeShared4(fragments + queryFragment(m, k), make_uint4(a[0], a[1], a[2], a[3]));
                }
            }
        }
        qAddress = fragments;
    }

    static D4J_DEVICE constexpr int queryFragment(int m, int k) { return ((k - KEPT) * M + m) * 512; }

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
        constexpr uint32_t ONES = Element<TYPE>::ONES;
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
                            Mm::k8(total, both[0], both[1], ONES);
                        } else {
                            Mm::k16(total, both, ONES, ONES);
                        }
                    }
                }
            }
            sum[m][0] = total[0];
            sum[m][1] = total[2];
        }
    }

    /// Whether the reference of a row of this lane is too low for a tile with these sums. A NaN may pass: it stays in its
    /// row.
    static D4J_DEVICE bool tooLow(const float (&sum)[M][2]) {
        float highest = 0.0f;
#pragma unroll
        for (int m = 0; m < M; ++m) highest = fmaxf(highest, fmaxf(sum[m][0], sum[m][1]));
        return highest > kHighestSum;
    }

    D4J_DEVICE void addSums(const float (&sum)[M][2]) {
#pragma unroll
        for (int m = 0; m < M; ++m) {
            rowSum[m][0] += sum[m][0];
            rowSum[m][1] += sum[m][1];
        }
    }

    /// Row maxima of scores, times scaleLog2.
    static D4J_DEVICE void maxima(const float (&s)[M][KEYS / 8][4], float (&highest)[M][2], float scaleLog2) {
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
                highest[m][half] = fmaxf(newest, __shfl_xor_sync(0xffffffffu, newest, 2)) * scaleLog2;
            }
        }
    }

    /// Moves the references of all rows up to these maxima.
    D4J_DEVICE void rescale(const float (&highest)[M][2]) {
#pragma unroll
        for (int m = 0; m < M; ++m) {
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const float newest = fmaxf(highest[m][half], shift[m][half]);
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

    /// O += P V for KEYS keys, the first of which are those of `side`; keysSeen: from there.
    template <bool MASKED>
    D4J_DEVICE void output(const uint32_t (&p)[M][KEYS / 16][4], int keysSeen, int side = 0) {
        const uint32_t values = vAddress + side * KEYS * Rows::PITCH;
#pragma unroll
        for (int k = 0; k < KEYS / 16; ++k) {
            if (MASKED && k * 16 >= keysSeen) continue;
#pragma unroll
            for (int n = 0; n < COLUMNS / 2; ++n) {
                uint32_t b[4];
                ldmatrixX4Trans(b, Rows::pairAddress(values, n * SPLIT) + k * 16 * Rows::PITCH);
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

    /// limit: of the warp's keys of this tile, those that its first row sees, growing by `slope` (0 or 1) a row up to `end`.
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

    /// The row sums of the whole warp, or of its keys.
    D4J_DEVICE void sums(float (&sum)[M][2]) const {
#pragma unroll
        for (int m = 0; m < M; ++m) {
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                float x = rowSum[m][half];
                if constexpr (!tile.sumByMma) {
                    x += __shfl_xor_sync(0xffffffffu, x, 1);
                    x += __shfl_xor_sync(0xffffffffu, x, 2);
                }
                sum[m][half] = x;
            }
        }
    }

    /// The output divided by the row sums, as 16-bit rows of this warp at `rows` in shared memory.
    D4J_DEVICE void finish(char* rows, const float (&sum)[M][2], int side = 0) {
        const int lane = threadIndex() % 32;
#pragma unroll
        for (int m = 0; m < M; ++m) {
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const float inverse = 1.0f / sum[m][half];
                const int row = m * 16 + half * 8 + lane / 4;
#pragma unroll
                for (int n = 0; n < COLUMNS; ++n) {
                    const int chunk = SPLIT == 1 ? n : (n / 2 * SPLIT + side) * 2 + n % 2;
                    *reinterpret_cast<uint32_t*>(rows + Rows::offset(row, chunk) + lane % 4 * 4) =
                        Element<TYPE>::pack(o[m][n][2 * half] * inverse, o[m][n][2 * half + 1] * inverse);
                }
            }
        }
    }
};

/// Tiles of keys that any query of a block sees, and how many of them, from the first, all its queries see whole.
struct KeyTiles {
    int seen, whole;
};

template <class Warp>
D4J_DEVICE KeyTiles keyTiles(const AttentionParams& p, int firstQuery) {
    constexpr int KEYS = Warp::tile.keys;
    if (!p.causal) return {ceilDiv(p.kTokens, KEYS), p.kTokens / KEYS};
    const int seenByAny = min(p.kTokens, min(firstQuery + attentionQueries(Warp::tile), p.qTokens));
    return {ceilDiv(seenByAny, KEYS), min(p.kTokens, firstQuery + 1) / KEYS};
}

}  // namespace d4j
