// Elementwise kernels for the instruction set of the including file.
#pragma once

#include "d4j_cpu.h"
#include "elementwise_kernels.hpp"
#include "simd_math.hpp"

namespace d4j {

namespace {

template <class S, class D>
void map_typed(int kind, const void* a_address, const void* b_address, void* dst_address, std::int64_t count,
               float factor) {
    const S* a = static_cast<const S*>(a_address);
    const S* b = static_cast<const S*>(b_address);
    D* dst = static_cast<D*>(dst_address);
    const Simd::F scale = Simd::set(factor);
    switch (kind) {
        case D4J_ELEMENTWISE_SILU:
            for_vectors(count, [&](std::int64_t i, int n) { store_lanes(dst + i, silu(load_lanes(a + i, n)), n); });
            break;
        case D4J_ELEMENTWISE_ADD:
            for_vectors(count, [&](std::int64_t i, int n) {
                const Simd::F sum = Simd::add(load_lanes(a + i, n), load_lanes(b + i, n));
                store_lanes(dst + i, Simd::mul(scale, sum), n);
            });
            break;
        default:
            for_vectors(count, [&](std::int64_t i, int n) {
                store_lanes(dst + i, Simd::mul(scale, load_lanes(a + i, n)), n);
            });
            break;
    }
}

void map(int kind, int src_dtype, int dst_dtype, const void* a, const void* b, void* dst, std::int64_t count,
         float scale) {
    if (src_dtype == D4J_F32) {
        if (dst_dtype == D4J_F32) return map_typed<float, float>(kind, a, b, dst, count, scale);
        return map_typed<float, Bf16>(kind, a, b, dst, count, scale);
    }
    if (dst_dtype == D4J_F32) return map_typed<Bf16, float>(kind, a, b, dst, count, scale);
    return map_typed<Bf16, Bf16>(kind, a, b, dst, count, scale);
}

template <class T>
void geglu_typed(const T* a, const T* b, T* dst, std::int64_t count) {
    for_vectors(count, [&](std::int64_t i, int n) {
        store_lanes(dst + i, Simd::mul(load_lanes(a + i, n), gelu_erf(load_lanes(b + i, n))), n);
    });
}

void geglu(int dtype, const void* a, const void* b, void* dst, std::int64_t count) {
    if (dtype == D4J_F32) {
        geglu_typed(static_cast<const float*>(a), static_cast<const float*>(b), static_cast<float*>(dst), count);
    } else {
        geglu_typed(static_cast<const Bf16*>(a), static_cast<const Bf16*>(b), static_cast<Bf16*>(dst), count);
    }
}

template <class T>
void add_row_typed(const T* src, const float* row, T* dst, std::int64_t count) {
    for_vectors(count, [&](std::int64_t i, int n) {
        store_lanes(dst + i, Simd::add(load_lanes(src + i, n), load_lanes(row + i, n)), n);
    });
}

void add_row(int dtype, const void* src, const float* row, void* dst, std::int64_t count) {
    if (dtype == D4J_F32) {
        add_row_typed(static_cast<const float*>(src), row, static_cast<float*>(dst), count);
    } else {
        add_row_typed(static_cast<const Bf16*>(src), row, static_cast<Bf16*>(dst), count);
    }
}

template <class T>
void average4_typed(const void* p0, const void* p1, const void* p2, const void* p3, void* dst, std::int64_t count) {
    const auto lanes = [](const void* p, std::int64_t i, int n) { return load_lanes(static_cast<const T*>(p) + i, n); };
    for_vectors(count, [&](std::int64_t i, int n) {
        const Simd::F top = Simd::add(lanes(p0, i, n), lanes(p1, i, n));
        const Simd::F bottom = Simd::add(lanes(p2, i, n), lanes(p3, i, n));
        store_lanes(static_cast<T*>(dst) + i, Simd::mul(Simd::set(0.25f), Simd::add(top, bottom)), n);
    });
}

void average4(int dtype, const void* p0, const void* p1, const void* p2, const void* p3, void* dst,
              std::int64_t count) {
    if (dtype == D4J_F32) {
        average4_typed<float>(p0, p1, p2, p3, dst, count);
    } else {
        average4_typed<Bf16>(p0, p1, p2, p3, dst, count);
    }
}

constexpr ElementwiseKernels kElementwiseKernels{map, geglu, add_row, average4};

}  // namespace

}  // namespace d4j
