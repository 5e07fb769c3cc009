// How attention multiplies: f32 one element at a time, or, with AVX512-BF16, pairs of bf16 packed in 32 bits. Operands
// travel as 32-bit lanes either way. Same rules as simd.hpp.
#pragma once

#include "simd_math.hpp"

namespace d4j {

namespace {

// Products in f32 of elements T, which packing converts.
template <class T>
struct DotF32 {
    using Element = T;

    // Steps of a sum over `count` elements.
    static int steps(int count) { return count; }
    static Simd::F multiply_add(Simd::F a, Simd::F b, Simd::F sum) { return Simd::fma(a, b, sum); }

    // columns[j][i] = rows[i][j] for i < n, 0 up to `lanes`.
    static void pack_columns(const T* rows, std::int64_t stride, int n, int count, int lanes, float* columns) {
        for (int i = 0; i < lanes; ++i) {
            for (int j = 0; j < count; ++j) columns[j * lanes + i] = i < n ? widen(rows[i * stride + j]) : 0.0f;
        }
    }
    static void pack_keys(const T* rows, std::int64_t stride, int n, int count, float* packed) {
        for (int r = 0; r < n; ++r) {
            for_vectors(count, [&](std::int64_t j, int lanes) {
                store_lanes(packed + r * count + j, load_lanes(rows + r * stride + j, lanes), lanes);
            });
        }
    }
    static void pack_values(const T* rows, std::int64_t stride, int n, int count, float* packed) {
        pack_keys(rows, stride, n, count, packed);
    }
    static void pack_weights(float*, int, int) {}

private:
    static float widen(float x) { return x; }
    static float widen(Bf16 x) {
        const std::uint32_t bits = static_cast<std::uint32_t>(x.bits) << 16;
        float value;
        std::memcpy(&value, &bits, sizeof value);
        return value;
    }
};

#if defined(__AVX512BF16__)

// Products of bf16 pairs with f32 sums. An odd count ends in a pair with 0.
struct DotBf16 {
    using Element = Bf16;

    static int steps(int count) { return (count + 1) / 2; }
    static Simd::F multiply_add(Simd::F a, Simd::F b, Simd::F sum) {
        return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
    }

    static void pack_columns(const Bf16* rows, std::int64_t stride, int n, int count, int lanes, float* columns) {
        const int pairs = steps(count);
        for (int i = 0; i < lanes; ++i) {
            for (int j = 0; j < pairs; ++j) {
                const Bf16* pair = rows + i * stride + 2 * j;
                store_pair(columns + j * lanes + i, i < n ? pair[0].bits : 0,
                           i < n && 2 * j + 1 < count ? pair[1].bits : 0);
            }
        }
    }
    // Pairs along the row, for sums over head_dim.
    static void pack_keys(const Bf16* rows, std::int64_t stride, int n, int count, float* packed) {
        const int pairs = steps(count);
        for (int r = 0; r < n; ++r) {
            std::memcpy(packed + r * pairs, rows + r * stride, static_cast<std::size_t>(count) * sizeof *rows);
            if (count % 2 != 0) store_pair(packed + r * pairs + pairs - 1, rows[r * stride + count - 1].bits, 0);
        }
    }
    // Pairs of neighbouring rows, for sums over keys.
    static void pack_values(const Bf16* rows, std::int64_t stride, int n, int count, float* packed) {
        for (int r = 0; r < n; r += 2) {
            const Bf16* even = rows + r * stride;
            for_vectors(count, [&](std::int64_t j, int lanes) {
                const __m512i low = _mm512_srli_epi32(_mm512_castps_si512(load_lanes(even + j, lanes)), 16);
                const __m512i high = r + 1 < n ? _mm512_castps_si512(load_lanes(even + stride + j, lanes))
                                               : _mm512_setzero_si512();
                const Simd::F both = _mm512_castsi512_ps(_mm512_or_si512(low, high));
                store_lanes(packed + r / 2 * count + j, both, lanes);
            });
        }
    }
    // In place: rows of f32 weights, none negative, to pairs of neighbouring rows.
    static void pack_weights(float* weights, int n, int lanes) {
        const __m512i half = _mm512_set1_epi32(0x8000);
        for (int r = 0; r < n; r += 2) {
            for (int i = 0; i < lanes; i += Simd::kLanes) {
                const float* even = weights + r * lanes + i;
                const __m512i low = _mm512_add_epi32(_mm512_castps_si512(Simd::load(even)), half);
                const __m512i high = r + 1 < n
                                         ? _mm512_add_epi32(_mm512_castps_si512(Simd::load(even + lanes)), half)
                                         : _mm512_setzero_si512();
                const __m512i both = _mm512_or_si512(_mm512_srli_epi32(low, 16),
                                                     _mm512_and_si512(high, _mm512_set1_epi32(-0x10000)));
                Simd::store(weights + r / 2 * lanes + i, _mm512_castsi512_ps(both));
            }
        }
    }

private:
    static void store_pair(float* to, std::uint32_t low, std::uint32_t high) {
        const std::uint32_t both = low | high << 16;
        std::memcpy(to, &both, sizeof both);
    }
};

#endif

}  // namespace

}  // namespace d4j
