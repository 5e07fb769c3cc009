// exp, SiLU and GELU of a vector. Same rules as simd.hpp.
#pragma once

#include "simd.hpp"

namespace d4j {

namespace {

// exp(x), relative error below 2 ulp; below -87.3 the smallest normal number, above 88.3 about 2e38: never 0, Inf.
inline Simd::F exp(Simd::F x) {
    x = Simd::min(Simd::max(x, Simd::set(-87.3f)), Simd::set(88.3f));
    const Simd::F n = Simd::round(Simd::mul(x, Simd::set(1.44269504f)));
    // ln 2 in two parts, the first short enough that n times it is exact.
    Simd::F r = Simd::fma(n, Simd::set(-0.693359375f), x);
    r = Simd::fma(n, Simd::set(2.12194440e-4f), r);
    // Taylor to r^7: the next term is at most (ln 2 / 2)^8 / 8! = 5e-9.
    Simd::F p = Simd::set(1.0f / 5040);
    p = Simd::fma(p, r, Simd::set(1.0f / 720));
    p = Simd::fma(p, r, Simd::set(1.0f / 120));
    p = Simd::fma(p, r, Simd::set(1.0f / 24));
    p = Simd::fma(p, r, Simd::set(1.0f / 6));
    p = Simd::fma(p, r, Simd::set(0.5f));
    p = Simd::fma(p, r, Simd::set(1.0f));
    p = Simd::fma(p, r, Simd::set(1.0f));
    return Simd::mul(p, Simd::pow2(n));
}

inline Simd::F silu(Simd::F x) {
    const Simd::F one = Simd::set(1.0f);
    return Simd::div(x, Simd::add(one, exp(Simd::sub(Simd::set(0.0f), x))));
}

// x Phi(x). With z = |x| / sqrt 2 and t = 1 / (1 + p z), erfc(z) = t (a1 + t (a2 + ...)) exp(-z^2), absolute error
// below 1.5e-7 (Abramowitz and Stegun 7.1.26); the negative side uses erfc as it is and does not cancel.
inline Simd::F gelu_erf(Simd::F x) {
    const Simd::F one = Simd::set(1.0f);
    const Simd::F z = Simd::mul(Simd::abs(x), Simd::set(0.707106781f));
    const Simd::F t = Simd::div(one, Simd::fma(z, Simd::set(0.3275911f), one));
    Simd::F p = Simd::set(1.061405429f);
    p = Simd::fma(p, t, Simd::set(-1.453152027f));
    p = Simd::fma(p, t, Simd::set(1.421413741f));
    p = Simd::fma(p, t, Simd::set(-0.284496736f));
    p = Simd::fma(p, t, Simd::set(0.254829592f));
    const Simd::F erfc = Simd::mul(Simd::mul(p, t), exp(Simd::sub(Simd::set(0.0f), Simd::mul(z, z))));
    const Simd::F twice_phi = Simd::where_less(x, Simd::set(0.0f), erfc, Simd::sub(Simd::set(2.0f), erfc));
    return Simd::mul(Simd::mul(x, Simd::set(0.5f)), twice_phi);
}

}  // namespace

}  // namespace d4j
