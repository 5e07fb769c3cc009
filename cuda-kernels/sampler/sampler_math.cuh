// Elementwise mathematics of the sampler, operation by operation that of the cpu device: no fused multiply-adds, no
// approximate instructions. So both devices draw the same noise to the last bit and take the same steps.
#pragma once

#include "common/types.hpp"

namespace d4j {

/// An f32 whose operators round once each; the compiler may not contract them.
struct Exact {
    float value;

    D4J_DEVICE Exact() {}
    D4J_DEVICE Exact(float x) : value(x) {}
};

D4J_DEVICE Exact operator+(Exact a, Exact b) { return __fadd_rn(a.value, b.value); }
D4J_DEVICE Exact operator-(Exact a, Exact b) { return __fsub_rn(a.value, b.value); }
D4J_DEVICE Exact operator*(Exact a, Exact b) { return __fmul_rn(a.value, b.value); }
D4J_DEVICE Exact operator/(Exact a, Exact b) { return __fdiv_rn(a.value, b.value); }

/// ln(k / 2^24) for 1 <= k <= 2^24. With k = m 2^e and m in [sqrt(1/2), sqrt(2)): e ln 2 + 2 atanh((m - 1) / (m + 1)),
/// whose argument is at most 0.172; the first term left out is 2 * 0.172^11 / 11 < 1e-9.
D4J_DEVICE Exact logOfFraction(uint32_t k) {
    const int32_t bits = __float_as_int(static_cast<float>(static_cast<int32_t>(k)));
    const int32_t exponent = (bits - 0x3f3504f3) >> 23;  // 0x3f3504f3 is sqrt(1/2)
    const Exact f = Exact(__int_as_float(bits - exponent * (1 << 23))) - 1.0f;
    const Exact s = f / (Exact(2.0f) + f);
    const Exact q = s * s;
    Exact series = q * (1.0f / 9) + (1.0f / 7);
    series = series * q + (1.0f / 5);
    series = series * q + (1.0f / 3);
    const Exact tail = (s * q) * series;
    return Exact(static_cast<float>(exponent - 24)) * 0.693147180559945f + Exact(2.0f) * (s + tail);
}

/// cos(2 pi w / 2^32). The nearest quadrant leaves an angle of at most pi/4; the first terms left out are
/// (pi/4)^12 / 12! and (pi/4)^11 / 11!, both below 2e-9.
D4J_DEVICE Exact cosOfTurn(uint32_t w) {
    const uint32_t quadrant = (w + 0x20000000u) >> 30;
    const int32_t rest = static_cast<int32_t>(w - (quadrant << 30));
    const Exact a = Exact(static_cast<float>(rest)) * 1.46291807926715968e-9f;  // 2 pi / 2^32
    const Exact q = a * a;
    Exact sine = q * (1.0f / 362880) - (1.0f / 5040);
    sine = sine * q + (1.0f / 120);
    sine = sine * q - (1.0f / 6);
    sine = (sine * q) * a + a;
    Exact cosine = Exact(1.0f / 40320) - q * (1.0f / 3628800);
    cosine = cosine * q - (1.0f / 720);
    cosine = cosine * q + (1.0f / 24);
    cosine = cosine * q - 0.5f;
    cosine = cosine * q + 1.0f;
    const float value = (quadrant & 1u) != 0 ? sine.value : cosine.value;
    return ((quadrant + 1u) & 2u) != 0 ? -value : value;
}

/// e^x, x clamped to where the result is a normal number. x = k ln 2 + r with |r| <= 0.347; the first term left out is
/// 0.347^9 / 9! < 3e-10. ln 2 is split so that k times its head is exact.
D4J_DEVICE Exact expOf(Exact x) {
    x = x.value < -87.0f ? Exact(-87.0f) : x;
    x = x.value > 88.0f ? Exact(88.0f) : x;
    const Exact scaled = x * 1.44269504088896341f;
    const int32_t k = static_cast<int32_t>((scaled + (scaled.value < 0.0f ? -0.5f : 0.5f)).value);
    const Exact kf = static_cast<float>(k);
    const Exact r = (x - kf * 0.693359375f) + kf * 2.12194440e-4f;
    Exact series = r * (1.0f / 40320) + (1.0f / 5040);
    series = series * r + (1.0f / 720);
    series = series * r + (1.0f / 120);
    series = series * r + (1.0f / 24);
    series = series * r + (1.0f / 6);
    series = series * r + 0.5f;
    series = series * r + 1.0f;
    series = series * r + 1.0f;
    return series * __int_as_float((k + 127) << 23);
}

/// Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011) on the counter (element, step),
/// then the cosine branch of Box-Muller on its first two words.
D4J_DEVICE Exact normalOf(uint64_t seed, uint32_t element, uint32_t step) {
    uint32_t key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
    uint32_t c0 = element, c1 = 0, c2 = step, c3 = 0;
#pragma unroll
    for (int round = 0; round < 10; ++round) {
        const uint32_t n0 = __umulhi(0xCD9E8D57u, c2) ^ c1 ^ key0;
        const uint32_t n2 = __umulhi(0xD2511F53u, c0) ^ c3 ^ key1;
        c1 = 0xCD9E8D57u * c2;
        c3 = 0xD2511F53u * c0;
        c0 = n0;
        c2 = n2;
        key0 += 0x9E3779B9u;  // the golden ratio's fraction
        key1 += 0xBB67AE85u;  // sqrt(3) - 1
    }
    const Exact radiusSquared = Exact(-2.0f) * logOfFraction((c0 >> 8) + 1);  // of (0, 1]: never log 0
    return Exact(__fsqrt_rn(radiusSquared.value)) * cosOfTurn(c1);
}

}  // namespace d4j
