// Normalisation kernels for the instruction set of the including file.
#pragma once

#include "d4j_cpu.h"
#include "norm_kernels.hpp"
#include "simd_math.hpp"

namespace d4j {

namespace {

// V vectors side by side: their sums are independent, which hides the latency of the additions.
template <int V, class T>
inline void column_moments_block(const T* src, std::int64_t rows, std::int64_t c, float* first, float* sum,
                                 float* squares, int last_lanes) {
    Simd::F origin[V], s[V], q[V];
    for (int v = 0; v < V; ++v) {
        const int lanes = v == V - 1 ? last_lanes : Simd::kLanes;
        origin[v] = load_lanes(src + v * Simd::kLanes, lanes);
        s[v] = q[v] = Simd::set(0.0f);
    }
    for (std::int64_t row = 1; row < rows; ++row) {
        const T* at = src + row * c;
        for (int v = 0; v < V; ++v) {
            const int lanes = v == V - 1 ? last_lanes : Simd::kLanes;
            const Simd::F d = Simd::sub(load_lanes(at + v * Simd::kLanes, lanes), origin[v]);
            s[v] = Simd::add(s[v], d);
            q[v] = Simd::fma(d, d, q[v]);
        }
    }
    for (int v = 0; v < V; ++v) {
        const int lanes = v == V - 1 ? last_lanes : Simd::kLanes;
        store_lanes(first + v * Simd::kLanes, origin[v], lanes);
        store_lanes(sum + v * Simd::kLanes, s[v], lanes);
        store_lanes(squares + v * Simd::kLanes, q[v], lanes);
    }
}

template <class T>
void column_moments_typed(const T* src, std::int64_t rows, std::int64_t c, float* first, float* sum, float* squares) {
    constexpr int kLanes = Simd::kLanes;
    std::int64_t i = 0;
    for (; i + 4 * kLanes <= c; i += 4 * kLanes) {
        column_moments_block<4>(src + i, rows, c, first + i, sum + i, squares + i, kLanes);
    }
    for (; i + kLanes <= c; i += kLanes) {
        column_moments_block<1>(src + i, rows, c, first + i, sum + i, squares + i, kLanes);
    }
    if (i < c) column_moments_block<1>(src + i, rows, c, first + i, sum + i, squares + i, static_cast<int>(c - i));
}

void column_moments(int dtype, const void* src, std::int64_t rows, std::int64_t c, float* first, float* sum,
                    float* squares) {
    if (dtype == D4J_F32) {
        column_moments_typed(static_cast<const float*>(src), rows, c, first, sum, squares);
    } else {
        column_moments_typed(static_cast<const Bf16*>(src), rows, c, first, sum, squares);
    }
}

template <bool kSilu, class S, class D>
void apply_columns_typed(const S* src, std::int64_t rows, std::int64_t c, const float* shift, const float* factor,
                         const float* offset, D* dst, std::int64_t dst_stride) {
    for (std::int64_t row = 0; row < rows; ++row, src += c, dst += dst_stride) {
        for_vectors(c, [&](std::int64_t i, int n) {
            const Simd::F d = Simd::sub(load_lanes(src + i, n), load_lanes(shift + i, n));
            const Simd::F y = Simd::fma(d, load_lanes(factor + i, n), load_lanes(offset + i, n));
            store_lanes(dst + i, kSilu ? silu(y) : y, n);
        });
    }
}

template <class S, class D>
void apply_columns_of(const void* src, std::int64_t rows, std::int64_t c, const float* shift, const float* factor,
                      const float* offset, bool silu, void* dst, std::int64_t dst_stride) {
    const S* from = static_cast<const S*>(src);
    D* to = static_cast<D*>(dst);
    if (silu) {
        apply_columns_typed<true>(from, rows, c, shift, factor, offset, to, dst_stride);
    } else {
        apply_columns_typed<false>(from, rows, c, shift, factor, offset, to, dst_stride);
    }
}

void apply_columns(int src_dtype, int dst_dtype, const void* src, std::int64_t rows, std::int64_t c, const float* shift,
                   const float* factor, const float* offset, bool silu, void* dst, std::int64_t dst_stride) {
    const auto apply = src_dtype == D4J_F32
                           ? (dst_dtype == D4J_F32 ? apply_columns_of<float, float> : apply_columns_of<float, Bf16>)
                           : (dst_dtype == D4J_F32 ? apply_columns_of<Bf16, float> : apply_columns_of<Bf16, Bf16>);
    apply(src, rows, c, shift, factor, offset, silu, dst, dst_stride);
}

// The lanes from first to last, in this order.
inline float sum_lanes(Simd::F x) {
    float lanes[Simd::kLanes];
    Simd::store(lanes, x);
    float sum = 0;
    for (float lane : lanes) sum += lane;
    return sum;
}

inline float square_root(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }

template <class S, class D>
void layer_norm_typed(const void* src_address, std::int64_t c, const float* gamma, const float* beta, float eps,
                      void* dst_address) {
    const S* src = static_cast<const S*>(src_address);
    D* dst = static_cast<D*>(dst_address);
    const Simd::F zero = Simd::set(0.0f);
    const float count = static_cast<float>(c);

    // Differences from the first element do not cancel when the mean is large; lanes past the end add nothing.
    const Simd::F origin = Simd::set(sum_lanes(Simd::load(src, 1)));
    const auto difference = [&](std::int64_t i, int n, Simd::F from) {
        const Simd::F d = Simd::sub(load_lanes(src + i, n), from);
        if (n == Simd::kLanes) return d;
        float lanes[Simd::kLanes] = {};
        Simd::store(lanes, d, n);
        return Simd::load(lanes);
    };
    Simd::F sum = zero;
    for_vectors(c, [&](std::int64_t i, int n) { sum = Simd::add(sum, difference(i, n, origin)); });
    const Simd::F mean = Simd::add(origin, Simd::set(sum_lanes(sum) / count));

    // The mean was rounded: the sum of the differences from it says by how much.
    Simd::F rest = zero, squares = zero;
    for_vectors(c, [&](std::int64_t i, int n) {
        const Simd::F d = difference(i, n, mean);
        rest = Simd::add(rest, d);
        squares = Simd::fma(d, d, squares);
    });
    const float correction = sum_lanes(rest) / count;
    float variance = sum_lanes(squares) / count - correction * correction;
    if (variance < 0) variance = 0;
    const Simd::F factor = Simd::set(1.0f / square_root(variance + eps));
    const Simd::F shift = Simd::set(correction);
    for_vectors(c, [&](std::int64_t i, int n) {
        const Simd::F d = Simd::sub(Simd::sub(load_lanes(src + i, n), mean), shift);
        Simd::F y = Simd::mul(d, factor);
        if (gamma != nullptr) y = Simd::mul(y, load_lanes(gamma + i, n));
        if (beta != nullptr) y = Simd::add(y, load_lanes(beta + i, n));
        store_lanes(dst + i, y, n);
    });
}

void layer_norm_row(int src_dtype, int dst_dtype, const void* src, std::int64_t c, const float* gamma,
                    const float* beta, float eps, void* dst) {
    const auto row = src_dtype == D4J_F32
                         ? (dst_dtype == D4J_F32 ? layer_norm_typed<float, float> : layer_norm_typed<float, Bf16>)
                         : (dst_dtype == D4J_F32 ? layer_norm_typed<Bf16, float> : layer_norm_typed<Bf16, Bf16>);
    row(src, c, gamma, beta, eps, dst);
}

constexpr NormKernels kNormKernels{column_moments, apply_columns, layer_norm_row};

}  // namespace

}  // namespace d4j
