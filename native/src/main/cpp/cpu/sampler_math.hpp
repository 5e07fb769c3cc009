// Elementwise mathematics of the sampler. Only IEEE additions, multiplications, divisions and square roots, one
// rounding each (contraction is off): every instruction set, and a CUDA kernel written with __fmul_rn and __fadd_rn,
// gives the same bits. The series are plain Taylor series on a reduced range; beside each stands its remainder.
//
// Everything is `static inline`: this header is compiled once for each instruction set, and a shared inline function
// would let the linker keep the AVX-512 copy for all of them.
#pragma once

#include <cstdint>
#include <cstring>

namespace d4j {

static inline float bits_to_float(uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t float_to_bits(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float bf16_to_float(uint16_t value) { return bits_to_float(static_cast<uint32_t>(value) << 16); }

// Round to nearest, ties to even; a NaN stays a NaN although its mantissa may lie in the dropped half.
static inline uint16_t float_to_bf16(float value) {
    const uint32_t bits = float_to_bits(value);
    const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    const uint32_t quiet = (bits >> 16) | 0x40u;
    return static_cast<uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
}

// ln(k / 2^24) for 1 <= k <= 2^24. With k = m 2^e and m in [sqrt(1/2), sqrt(2)): e ln 2 + 2 atanh((m - 1) / (m + 1)),
// whose argument is at most 0.172; the first term left out is 2 * 0.172^11 / 11 < 1e-9.
static inline float log_of_fraction(uint32_t k) {
    const int32_t bits = static_cast<int32_t>(float_to_bits(static_cast<float>(static_cast<int32_t>(k))));
    const int32_t exponent = (bits - 0x3f3504f3) >> 23;  // 0x3f3504f3 is sqrt(1/2)
    const float mantissa = bits_to_float(static_cast<uint32_t>(bits - exponent * (1 << 23)));
    const float f = mantissa - 1.0f;
    const float s = f / (2.0f + f);
    const float q = s * s;
    float series = q * (1.0f / 9) + (1.0f / 7);
    series = series * q + (1.0f / 5);
    series = series * q + (1.0f / 3);
    const float tail = (s * q) * series;
    return static_cast<float>(exponent - 24) * 0.693147180559945f + 2.0f * (s + tail);
}

// cos(2 pi w / 2^32). The nearest quadrant leaves an angle of at most pi/4; the first terms left out are
// (pi/4)^12 / 12! and (pi/4)^11 / 11!, both below 2e-9.
static inline float cos_of_turn(uint32_t w) {
    const uint32_t quadrant = (w + 0x20000000u) >> 30;
    const int32_t rest = static_cast<int32_t>(w - (quadrant << 30));
    const float a = static_cast<float>(rest) * 1.46291807926715968e-9f;  // 2 pi / 2^32
    const float q = a * a;
    float sine = q * (1.0f / 362880) - (1.0f / 5040);
    sine = sine * q + (1.0f / 120);
    sine = sine * q - (1.0f / 6);
    sine = (sine * q) * a + a;
    float cosine = (1.0f / 40320) - q * (1.0f / 3628800);
    cosine = cosine * q - (1.0f / 720);
    cosine = cosine * q + (1.0f / 24);
    cosine = cosine * q - 0.5f;
    cosine = cosine * q + 1.0f;
    const float value = (quadrant & 1u) ? sine : cosine;
    return ((quadrant + 1u) & 2u) ? -value : value;
}

// e^x, x clamped to where the result is a normal number. x = k ln 2 + r with |r| <= 0.347; the first term left out is
// 0.347^9 / 9! < 3e-10. ln 2 is split so that k times its head is exact.
static inline float exp_of(float x) {
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    const float scaled = x * 1.44269504088896341f;
    const int32_t k = static_cast<int32_t>(scaled + (scaled < 0.0f ? -0.5f : 0.5f));
    const float kf = static_cast<float>(k);
    const float r = (x - kf * 0.693359375f) + kf * 2.12194440e-4f;
    float series = r * (1.0f / 40320) + (1.0f / 5040);
    series = series * r + (1.0f / 720);
    series = series * r + (1.0f / 120);
    series = series * r + (1.0f / 24);
    series = series * r + (1.0f / 6);
    series = series * r + 0.5f;
    series = series * r + 1.0f;
    series = series * r + 1.0f;
    return series * bits_to_float(static_cast<uint32_t>(k + 127) << 23);
}

// Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011) on the counter
// (element, step), then the cosine branch of Box-Muller on its first two words. One block an element, so that an
// element's noise depends on nothing else: neither on a neighbour nor on how the work is divided.
static inline float normal_of(uint32_t key0, uint32_t key1, uint32_t element, uint32_t step) {
    uint32_t c0 = element, c1 = 0, c2 = step, c3 = 0;
    for (int round = 0; round < 10; ++round) {
        const uint64_t p0 = static_cast<uint64_t>(0xD2511F53u) * c0;
        const uint64_t p1 = static_cast<uint64_t>(0xCD9E8D57u) * c2;
        const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ key0;
        const uint32_t n2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ key1;
        c1 = static_cast<uint32_t>(p1);
        c3 = static_cast<uint32_t>(p0);
        c0 = n0;
        c2 = n2;
        key0 += 0x9E3779B9u;  // the golden ratio's fraction
        key1 += 0xBB67AE85u;  // sqrt(3) - 1
    }
    const float radius_squared = -2.0f * log_of_fraction((c0 >> 8) + 1);  // of (0, 1]: never log 0
    return __builtin_sqrtf(radius_squared) * cos_of_turn(c1);
}

}  // namespace d4j
