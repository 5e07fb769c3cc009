// One vector type, Simd, for the instruction set that the including file is compiled for. Only the files of kernels
// (*_kernel.hpp and what instantiates them) include this; everything here and there has internal linkage, so that code
// for a newer CPU can never be linked into a file for an older one. For the same reason they use no templates of the
// standard library.
#pragma once

#include <cstdint>
#include <cstring>

// GCC 12's own headers start their "undefined" vectors from themselves, and it warns about that (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

namespace d4j {

namespace {

struct Bf16 {
    std::uint16_t bits;
};

#if defined(__AVX512F__)

struct Simd {
    using F = __m512;
    static constexpr int kLanes = 16;

    static __mmask16 first(int n) { return static_cast<__mmask16>((1u << n) - 1); }

    static F set(float x) { return _mm512_set1_ps(x); }
    static F load(const float* p) { return _mm512_loadu_ps(p); }
    static F load(const float* p, int n) { return _mm512_maskz_loadu_ps(first(n), p); }
    static void store(float* p, F x) { _mm512_storeu_ps(p, x); }
    static void store(float* p, F x, int n) { _mm512_mask_storeu_ps(p, first(n), x); }

    static F load(const Bf16* p) { return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))); }
    static F load(const Bf16* p, int n) { return widen(_mm256_maskz_loadu_epi16(first(n), p)); }
    static void store(Bf16* p, F x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), narrow(x)); }
    static void store(Bf16* p, F x, int n) { _mm256_mask_storeu_epi16(p, first(n), narrow(x)); }

    static F add(F a, F b) { return _mm512_add_ps(a, b); }
    static F sub(F a, F b) { return _mm512_sub_ps(a, b); }
    static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
    static F div(F a, F b) { return _mm512_div_ps(a, b); }
    static F max(F a, F b) { return _mm512_max_ps(a, b); }
    static F min(F a, F b) { return _mm512_min_ps(a, b); }
    // a * b + c
    static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
    static F abs(F a) { return _mm512_abs_ps(a); }
    static F round(F a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
    // 2^n of a whole number n in [-126, 127]
    static F pow2(F n) {
        const __m512i biased = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
        return _mm512_castsi512_ps(_mm512_slli_epi32(biased, 23));
    }
    // x < y ? a : b
    static F where_less(F x, F y, F a, F b) {
        return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, y, _CMP_LT_OQ), b, a);
    }

private:
    static F widen(__m256i bits) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16)); }
    // To nearest even.
    static __m256i narrow(F x) {
        const __m512i bits = _mm512_castps_si512(x);
        const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
        const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
        return _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16));
    }
};

#elif defined(__AVX2__)

struct Simd {
    using F = __m256;
    static constexpr int kLanes = 8;

    static __m256i first(int n) {
        return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    }

    static F set(float x) { return _mm256_set1_ps(x); }
    static F load(const float* p) { return _mm256_loadu_ps(p); }
    static F load(const float* p, int n) { return _mm256_maskload_ps(p, first(n)); }
    static void store(float* p, F x) { _mm256_storeu_ps(p, x); }
    static void store(float* p, F x, int n) { _mm256_maskstore_ps(p, first(n), x); }

    static F load(const Bf16* p) { return widen(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }
    static F load(const Bf16* p, int n) {
        Bf16 lanes[kLanes] = {};
        std::memcpy(lanes, p, static_cast<std::size_t>(n) * sizeof *p);
        return load(lanes);
    }
    static void store(Bf16* p, F x) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), narrow(x)); }
    static void store(Bf16* p, F x, int n) {
        Bf16 lanes[kLanes];
        store(lanes, x);
        std::memcpy(p, lanes, static_cast<std::size_t>(n) * sizeof *p);
    }

    static F add(F a, F b) { return _mm256_add_ps(a, b); }
    static F sub(F a, F b) { return _mm256_sub_ps(a, b); }
    static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
    static F div(F a, F b) { return _mm256_div_ps(a, b); }
    static F max(F a, F b) { return _mm256_max_ps(a, b); }
    static F min(F a, F b) { return _mm256_min_ps(a, b); }
    static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
    static F abs(F a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
    static F round(F a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
    static F pow2(F n) {
        const __m256i biased = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
        return _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23));
    }
    static F where_less(F x, F y, F a, F b) { return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, y, _CMP_LT_OQ)); }

private:
    static F widen(__m128i bits) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16)); }
    static __m128i narrow(F x) {
        const __m256i bits = _mm256_castps_si256(x);
        const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
        const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
        const __m256i halves = _mm256_srli_epi32(rounded, 16);
        return _mm_packus_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
    }
};

#else

struct Simd {
    using F = __m128;
    static constexpr int kLanes = 4;

    static F set(float x) { return _mm_set1_ps(x); }
    static F load(const float* p) { return _mm_loadu_ps(p); }
    static F load(const float* p, int n) {
        float lanes[kLanes] = {};
        std::memcpy(lanes, p, static_cast<std::size_t>(n) * sizeof *p);
        return load(lanes);
    }
    static void store(float* p, F x) { _mm_storeu_ps(p, x); }
    static void store(float* p, F x, int n) {
        float lanes[kLanes];
        store(lanes, x);
        std::memcpy(p, lanes, static_cast<std::size_t>(n) * sizeof *p);
    }

    static F load(const Bf16* p) { return widen(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))); }
    static F load(const Bf16* p, int n) {
        Bf16 lanes[kLanes] = {};
        std::memcpy(lanes, p, static_cast<std::size_t>(n) * sizeof *p);
        return load(lanes);
    }
    static void store(Bf16* p, F x) { _mm_storel_epi64(reinterpret_cast<__m128i*>(p), narrow(x)); }
    static void store(Bf16* p, F x, int n) {
        Bf16 lanes[kLanes];
        store(lanes, x);
        std::memcpy(p, lanes, static_cast<std::size_t>(n) * sizeof *p);
    }

    static F add(F a, F b) { return _mm_add_ps(a, b); }
    static F sub(F a, F b) { return _mm_sub_ps(a, b); }
    static F mul(F a, F b) { return _mm_mul_ps(a, b); }
    static F div(F a, F b) { return _mm_div_ps(a, b); }
    static F max(F a, F b) { return _mm_max_ps(a, b); }
    static F min(F a, F b) { return _mm_min_ps(a, b); }
    // No fused multiply-add before AVX2: two roundings.
    static F fma(F a, F b, F c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }
    static F abs(F a) { return _mm_andnot_ps(_mm_set1_ps(-0.0f), a); }
    static F round(F a) { return _mm_cvtepi32_ps(_mm_cvtps_epi32(a)); }
    static F pow2(F n) {
        const __m128i biased = _mm_add_epi32(_mm_cvtps_epi32(n), _mm_set1_epi32(127));
        return _mm_castsi128_ps(_mm_slli_epi32(biased, 23));
    }
    static F where_less(F x, F y, F a, F b) {
        const __m128 mask = _mm_cmplt_ps(x, y);
        return _mm_or_ps(_mm_and_ps(mask, a), _mm_andnot_ps(mask, b));
    }

private:
    static F widen(__m128i bits) { return _mm_castsi128_ps(_mm_unpacklo_epi16(_mm_setzero_si128(), bits)); }
    static __m128i narrow(F x) {
        const __m128i bits = _mm_castps_si128(x);
        const __m128i odd = _mm_and_si128(_mm_srli_epi32(bits, 16), _mm_set1_epi32(1));
        const __m128i rounded = _mm_add_epi32(bits, _mm_add_epi32(odd, _mm_set1_epi32(0x7fff)));
        // SSE2 packs with signed saturation only: the arithmetic shift keeps the halves in its range.
        const __m128i halves = _mm_srai_epi32(rounded, 16);
        return _mm_packs_epi32(halves, halves);
    }
};

#endif

// Calls body(i, n) for every vector: n lanes from element i, kLanes but for the last.
template <class Body>
inline void for_vectors(std::int64_t count, Body body) {
    std::int64_t i = 0;
    for (; i + Simd::kLanes <= count; i += Simd::kLanes) body(i, Simd::kLanes);
    if (i < count) body(i, static_cast<int>(count - i));
}

template <class T>
inline Simd::F load_lanes(const T* p, int n) {
    return n == Simd::kLanes ? Simd::load(p) : Simd::load(p, n);
}

template <class T>
inline void store_lanes(T* p, Simd::F x, int n) {
    if (n == Simd::kLanes) {
        Simd::store(p, x);
    } else {
        Simd::store(p, x, n);
    }
}

}  // namespace

}  // namespace d4j
