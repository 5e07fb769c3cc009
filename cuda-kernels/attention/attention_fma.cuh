// Fused attention in plain f32 arithmetic, for f32 tensors and for operands that the tensor-core kernels cannot read (a
// head dimension or stride that is no multiple of 16 bytes, or wide heads). Any head dimension, any alignment.
//
// A head wider than 32 * CHUNKS is the work of several blocks: each has all the scores, and a slice of the output.
//
// 128 threads do 64 queries against 32 keys at a time: thread (y, x) = (thread / 8, thread % 8) owns the query rows
// 4 y .. 4 y + 3. The head is walked in chunks of 32 columns, which keeps shared memory small for any head.
#pragma once

#include "attention/attention_config.hpp"
#include "attention/attention_params.hpp"
#include "attention/attention_softmax.cuh"
#include "common/four.cuh"

namespace d4j {

/// Floats from one row of a shared tile to the next: 32 and 4 more, so that the 16-byte reads of 8 consecutive rows
/// start 4 banks apart and fill one wavefront.
constexpr int kFmaPitch = 36;

template <DType TYPE, int CHUNKS>
struct AttentionFma {
    using Stored = typename Element<TYPE>::Storage;
    static constexpr int ROWS = kFmaQueries / 16;  // queries of a thread: 4

    float o[CHUNKS][ROWS][4];  // columns 32 * chunk + 4 x ..
    float shift[ROWS];         // row maximum times scaleLog2
    float sum[ROWS];           // this thread's part of the row sum
    int x, y;

    /// Rows `first`.. of one chunk of columns to shared memory as f32, zeros where there are none.
    template <int TILE_ROWS>
    static D4J_DEVICE void load(float* tile, const Stored* head, int64_t stride, int first, int rows, int chunk,
                                int headDim) {
        const int column = threadIdx.x % 32;
        const bool inHead = chunk * 32 + column < headDim;
        constexpr int ROWS_AT_ONCE = kFmaThreads / 32;
#pragma unroll 2
        for (int pass = 0; pass < TILE_ROWS / ROWS_AT_ONCE; ++pass) {
            const int row = pass * ROWS_AT_ONCE + threadIdx.x / 32;
            const bool exists = inHead && first + row < rows;
            tile[row * kFmaPitch + column] =
                exists ? Element<TYPE>::toFloat(head[(first + row) * stride + chunk * 32 + column]) : 0.0f;
        }
    }

    /// a += the products of 4 rows of `left` and, transposed, the rows x + 8 j of `right`.
    D4J_DEVICE void multiplyTransposed(float (&a)[ROWS][4], const float* left, const float* right) const {
#pragma unroll 2
        for (int c = 0; c < 32; c += 4) {
            float4 l[ROWS], r[4];
#pragma unroll
            for (int i = 0; i < ROWS; ++i) {
                l[i] = *reinterpret_cast<const float4*>(left + (y * ROWS + i) * kFmaPitch + c);
                r[i] = *reinterpret_cast<const float4*>(right + (x + 8 * i) * kFmaPitch + c);
            }
#pragma unroll
            for (int i = 0; i < ROWS; ++i) {
#pragma unroll
                for (int j = 0; j < 4; ++j) {
                    a[i][j] = fmaf(l[i].x, r[j].x, a[i][j]);
                    a[i][j] = fmaf(l[i].y, r[j].y, a[i][j]);
                    a[i][j] = fmaf(l[i].z, r[j].z, a[i][j]);
                    a[i][j] = fmaf(l[i].w, r[j].w, a[i][j]);
                }
            }
        }
    }

    /// a += 4 rows of `left` times the columns 4 x .. of `right`.
    D4J_DEVICE void multiply(float (&a)[ROWS][4], const float* left, const float* right) const {
#pragma unroll 4
        for (int k = 0; k < kFmaKeys; ++k) {
            const float4 r = *reinterpret_cast<const float4*>(right + k * kFmaPitch + 4 * x);
#pragma unroll
            for (int i = 0; i < ROWS; ++i) {
                const float l = left[(y * ROWS + i) * kFmaPitch + k];
                a[i][0] = fmaf(l, r.x, a[i][0]);
                a[i][1] = fmaf(l, r.y, a[i][1]);
                a[i][2] = fmaf(l, r.z, a[i][2]);
                a[i][3] = fmaf(l, r.w, a[i][3]);
            }
        }
    }

    /// Scores to probabilities, in shared memory; `seen` keys of the tile count for query row 0 of this block, `slope`
    /// more for each further row, at most `end`.
    D4J_DEVICE void softmax(float (&s)[ROWS][4], float* probabilities, float scaleLog2, int seen, int slope, int end) {
#pragma unroll
        for (int i = 0; i < ROWS; ++i) {
            const int row = y * ROWS + i;
            const int limit = min(seen + slope * row, end);
            float top = shift[i];
#pragma unroll
            for (int j = 0; j < 4; ++j) {
                s[i][j] = x + 8 * j < limit ? s[i][j] * scaleLog2 : unseen();
                top = fmaxf(top, s[i][j]);
            }
            // The 8 threads of a row are neighbouring lanes.
#pragma unroll
            for (int distance = 4; distance > 0; distance /= 2) {
                top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, distance));
            }
            const float decay = exp2Approx(shift[i] - top);  // first tile: 2^-inf = 0
            shift[i] = top;
            sum[i] *= decay;
#pragma unroll
            for (int c = 0; c < CHUNKS; ++c) {
#pragma unroll
                for (int j = 0; j < 4; ++j) o[c][i][j] *= decay;
            }
#pragma unroll
            for (int j = 0; j < 4; ++j) {
                const float p = exp2Approx(s[i][j] - top);
                probabilities[row * kFmaPitch + x + 8 * j] = p;
                sum[i] += p;
            }
        }
    }

    /// The output of this thread's queries that exist, divided. FOURS: four columns exist and are stored together.
    template <bool FOURS>
    D4J_DEVICE void store(Stored* out, const float (&inverse)[ROWS], int64_t stride, int queries, int columns) const {
#pragma unroll
        for (int i = 0; i < ROWS; ++i) {
            const int row = y * ROWS + i;
            if (row >= queries) continue;
#pragma unroll
            for (int c = 0; c < CHUNKS; ++c) {
                const int column = c * 32 + x * 4;
                if (column >= columns) continue;
                const float values[4] = {o[c][i][0] * inverse[i], o[c][i][1] * inverse[i], o[c][i][2] * inverse[i],
                                         o[c][i][3] * inverse[i]};
                storeFour<TYPE>(out + row * stride + column, values, FOURS, columns - column);
            }
        }
    }
};

template <DType TYPE, int CHUNKS>
D4J_DEVICE void attentionFma(const AttentionParams& p) {
    using Block = AttentionFma<TYPE, CHUNKS>;
    using Stored = typename Block::Stored;
    constexpr int ROWS = Block::ROWS;
    __shared__ alignas(16) float queries[kFmaQueries * kFmaPitch];  // then the probabilities
    __shared__ alignas(16) float keys[kFmaKeys * kFmaPitch];        // then the values

    const int firstQuery = blockIdx.x * kFmaQueries;
    const int slices = ceilDiv(p.headDim, 32 * CHUNKS);
    const int64_t head = static_cast<int64_t>(blockIdx.y / slices) * p.headDim;
    const int firstColumn = blockIdx.y % slices * 32 * CHUNKS, columns = p.headDim - firstColumn;
    const int64_t sample = blockIdx.z;
    const Stored* q = static_cast<const Stored*>(p.q) + sample * p.qTokens * p.qStride + head;
    const Stored* k = static_cast<const Stored*>(p.k) + sample * p.kTokens * p.kStride + head;
    const Stored* v = static_cast<const Stored*>(p.v) + sample * p.kTokens * p.vStride + head + firstColumn;

    Block block;
    block.x = threadIdx.x % 8;
    block.y = threadIdx.x / 8;
#pragma unroll
    for (int i = 0; i < ROWS; ++i) {
        block.shift[i] = unseen();
        block.sum[i] = 0.0f;
#pragma unroll
        for (int c = 0; c < CHUNKS; ++c) {
#pragma unroll
            for (int j = 0; j < 4; ++j) block.o[c][i][j] = 0.0f;
        }
    }

    const int seenByBlock = p.causal ? min(p.kTokens, firstQuery + kFmaQueries) : p.kTokens;
    for (int first = 0; first < seenByBlock; first += kFmaKeys) {
        float s[ROWS][4] = {};
        for (int c = 0; c * 32 < p.headDim; ++c) {
            __syncthreads();
            Block::template load<kFmaQueries>(queries, q, p.qStride, firstQuery, p.qTokens, c, p.headDim);
            Block::template load<kFmaKeys>(keys, k, p.kStride, first, p.kTokens, c, p.headDim);
            __syncthreads();
            block.multiplyTransposed(s, queries, keys);
        }
        __syncthreads();
        block.softmax(s, queries, p.scaleLog2, p.causal ? firstQuery + 1 - first : p.kTokens - first, p.causal,
                      p.kTokens - first);
#pragma unroll
        for (int c = 0; c < CHUNKS; ++c) {
            if (c * 32 < columns) {
                if (c > 0) __syncthreads();
                Block::template load<kFmaKeys>(keys, v, p.vStride, first, p.kTokens, c, columns);
                __syncthreads();
                block.multiply(block.o[c], queries, keys);
            }
        }
    }

    float inverse[ROWS];
#pragma unroll
    for (int i = 0; i < ROWS; ++i) {
        float sum = block.sum[i];
#pragma unroll
        for (int distance = 4; distance > 0; distance /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, distance);
        inverse[i] = 1.0f / sum;
    }
    Stored* out = static_cast<Stored*>(p.out) + (sample * p.qTokens + firstQuery) * p.outStride + head + firstColumn;
    const bool fours = p.headDim % 4 == 0 && p.outStride % 4 == 0 &&
                       reinterpret_cast<uint64_t>(p.out) % (4 * sizeof(Stored)) == 0;
    if (fours) {
        block.store<true>(out, inverse, p.outStride, p.qTokens - firstQuery, columns);
    } else {
        block.store<false>(out, inverse, p.outStride, p.qTokens - firstQuery, columns);
    }
}

}  // namespace d4j
