// Attention of one tile for the instruction set of the including file: online softmax (Milakov and Gimelshein 2018)
// over blocks of keys, as in FlashAttention (Dao et al. 2022), turned on its side. Lanes are queries: scores are kept
// as [key][query], so that maxima and sums over keys are plain vector operations, and keys and values enter as
// broadcast scalars in the order in which they lie in memory.
//
// Every lane does the same operations in the same order whatever tile it is in, so the bits of a query depend on
// nothing but its row and the keys.
#pragma once

#include "attention_dot.hpp"
#include "attention_kernels.hpp"
#include "d4j_cpu.h"

namespace d4j {

namespace {

// Registers: kRows * vectors sums, `vectors` operands and a broadcast must fit 32 (AVX-512) or 16 registers:
// 6 * 4 + 5 = 29, and 6 * 2 + 3 = 15.
constexpr int kRows = 6;
constexpr int kVectors = Simd::kLanes == 16 ? 4 : 2;
constexpr int kQueries = kVectors * Simd::kLanes;
// A block of scores, kKeys * kQueries floats, is at most 16 KiB: it stays in the first-level cache. Even, for pairs.
constexpr int kKeys = 64;
constexpr float kLowest = -3.402823e38f;

std::int64_t tile_scratch(int head_dim) {
    // Queries and sums [head_dim][query], scores [key][query], keys and values, and three numbers per query.
    const std::int64_t d = head_dim + 1;
    return 2 * d * kQueries + std::int64_t{kKeys} * kQueries + 2 * d * kKeys + 3 * kQueries;
}

// sum[r][v] = sum over j of a[r][j] * b[j][v], with strides for a, and b dense.
template <class Dot, int R, int V>
inline void products(const float* a, std::int64_t row, std::int64_t step, const float* b, int steps,
                     Simd::F (&sum)[R][V]) {
    for (int r = 0; r < R; ++r) {
        for (int v = 0; v < V; ++v) sum[r][v] = Simd::set(0.0f);
    }
    for (int j = 0; j < steps; ++j, a += step, b += V * Simd::kLanes) {
        Simd::F x[V];
        for (int v = 0; v < V; ++v) x[v] = Simd::load(b + v * Simd::kLanes);
        for (int r = 0; r < R; ++r) {
            const Simd::F y = Simd::set(a[r * row]);
            for (int v = 0; v < V; ++v) sum[r][v] = Dot::multiply_add(y, x[v], sum[r][v]);
        }
    }
}

// scores[r] = scale * (keys[r] . queries)
template <class Dot, int R, int V>
void score_rows(const float* keys, const float* queries, int steps, float scale, float* scores) {
    Simd::F sum[R][V];
    products<Dot, R, V>(keys, steps, 1, queries, steps, sum);
    for (int r = 0; r < R; ++r) {
        for (int v = 0; v < V; ++v) {
            Simd::store(scores + (r * V + v) * Simd::kLanes, Simd::mul(sum[r][v], Simd::set(scale)));
        }
    }
}

// sums[r] = sums[r] * decay + sum over keys of values[key][r] * weights[key]
template <class Dot, int R, int V>
void value_rows(const float* values, int head_dim, const float* weights, int steps, const float* decay, float* sums) {
    Simd::F sum[R][V];
    products<Dot, R, V>(values, 1, head_dim, weights, steps, sum);
    for (int r = 0; r < R; ++r) {
        for (int v = 0; v < V; ++v) {
            float* at = sums + (r * V + v) * Simd::kLanes;
            Simd::store(at, Simd::fma(Simd::load(at), Simd::load(decay + v * Simd::kLanes), sum[r][v]));
        }
    }
}

template <int N>
struct Constant {
    constexpr int operator()() const { return N; }
};

// Calls body with a constant R for r rows at a time, kRows and then the rest at once.
template <int R>
struct Rows {
    template <class Body>
    static void rest(int count, int first, Body body) {
        if (count == R) {
            body(first, Constant<R>());
        } else {
            Rows<R - 1>::rest(count, first, body);
        }
    }
};
template <>
struct Rows<0> {
    template <class Body>
    static void rest(int, int, Body) {}
};

template <class Body>
void for_rows(int count, Body body) {
    int first = 0;
    for (; first + kRows <= count; first += kRows) body(first, Constant<kRows>());
    Rows<kRows - 1>::rest(count - first, first, body);
}

// Scores of keys after the query are as low as can be.
void mask_causal(float* scores, int keys, int first_key, int first_query, int lanes) {
    for (int k = 0; k < keys; ++k) {
        for (int i = 0; i < lanes && first_query + i < first_key + k; ++i) scores[k * lanes + i] = kLowest;
    }
}

// Scores become weights exp(score - maximum); maxima, totals and decays are of the queries' lanes.
template <int V>
void softmax_block(float* scores, int keys, float* maximum, float* total, float* decay) {
    for (int v = 0; v < V; ++v) {
        const int lane = v * Simd::kLanes;
        const Simd::F before = Simd::load(maximum + lane);
        Simd::F now = before;
        for (int k = 0; k < keys; ++k) now = Simd::max(now, Simd::load(scores + k * V * Simd::kLanes + lane));
        Simd::F sum = Simd::set(0.0f);
        for (int k = 0; k < keys; ++k) {
            float* at = scores + k * V * Simd::kLanes + lane;
            const Simd::F weight = exp(Simd::sub(Simd::load(at), now));
            Simd::store(at, weight);
            sum = Simd::add(sum, weight);
        }
        const Simd::F shrink = exp(Simd::sub(before, now));
        Simd::store(decay + lane, shrink);
        Simd::store(maximum + lane, now);
        Simd::store(total + lane, Simd::fma(Simd::load(total + lane), shrink, sum));
    }
}

inline void store_element(float* to, float x) { *to = x; }
inline void store_element(Bf16* to, float x) {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    to->bits = static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

template <class Dot, int V>
void attention_tile(const AttentionTile& t) {
    using T = typename Dot::Element;
    constexpr int kLanes = V * Simd::kLanes;
    const int d = t.head_dim;
    float* const queries = t.scratch;
    float* const sums = queries + (d + 1) * kLanes;
    float* const scores = sums + (d + 1) * kLanes;
    float* const keys = scores + kKeys * kLanes;
    float* const values = keys + (d + 1) * kKeys;
    float* const maximum = values + (d + 1) * kKeys;
    float* const total = maximum + kLanes;
    float* const decay = total + kLanes;

    Dot::pack_columns(static_cast<const T*>(t.q), t.q_stride, t.queries, d, kLanes, queries);
    for (int i = 0; i < d * kLanes; ++i) sums[i] = 0;
    for (int i = 0; i < kLanes; ++i) {
        maximum[i] = kLowest;
        total[i] = 0;
    }

    const int last = t.causal ? t.first_query + t.queries : t.keys;
    for (int first = 0; first < last; first += kKeys) {
        const int n = last - first < kKeys ? last - first : kKeys;
        Dot::pack_keys(static_cast<const T*>(t.k) + first * t.k_stride, t.k_stride, n, d, keys);
        const int steps = Dot::steps(d);
        for_rows(n, [&](int r, auto rows) {
            score_rows<Dot, rows(), V>(keys + r * steps, queries, steps, t.scale, scores + r * kLanes);
        });
        if (t.causal) mask_causal(scores, n, first, t.first_query, kLanes);
        softmax_block<V>(scores, n, maximum, total, decay);

        Dot::pack_weights(scores, n, kLanes);
        Dot::pack_values(static_cast<const T*>(t.v) + first * t.v_stride, t.v_stride, n, d, values);
        for_rows(d, [&](int r, auto rows) {
            value_rows<Dot, rows(), V>(values + r, d, scores, Dot::steps(n), decay, sums + r * kLanes);
        });
    }

    for (int v = 0; v < V; ++v) {
        const Simd::F inverse = Simd::div(Simd::set(1.0f), Simd::load(total + v * Simd::kLanes));
        for (int j = 0; j < d; ++j) {
            float* at = sums + j * kLanes + v * Simd::kLanes;
            Simd::store(at, Simd::mul(Simd::load(at), inverse));
        }
    }
    for (int i = 0; i < t.queries; ++i) {
        T* dst = static_cast<T*>(t.dst) + i * t.dst_stride;
        for (int j = 0; j < d; ++j) store_element(dst + j, sums[j * kLanes + i]);
    }
}

template <class Dot>
void attention_of(const AttentionTile& t) {
    if (t.queries <= Simd::kLanes) return attention_tile<Dot, 1>(t);
    if (t.queries <= 2 * Simd::kLanes) return attention_tile<Dot, 2>(t);
    attention_tile<Dot, kVectors>(t);
}

void run_attention(int dtype, const AttentionTile& t) {
    if (dtype == D4J_F32) return attention_of<DotF32<float>>(t);
#if defined(__AVX512BF16__)
    attention_of<DotBf16>(t);
#else
    attention_of<DotF32<Bf16>>(t);
#endif
}

constexpr AttentionKernels kAttentionKernels{kQueries, tile_scratch, run_attention};

}  // namespace

}  // namespace d4j
