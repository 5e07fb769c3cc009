// Sinusoidal (Ho et al. 2020, after Vaswani et al. 2017, section 3.5) and Gaussian Fourier (Song et al. 2021) features.
//
// A few hundred values a step, so accuracy is free: sine and cosine are computed in double, to the last bit of f32 but
// for ties, at any angle. (sin.approx is wrong in the third digit at an angle of 1000, and sinf keeps a table in local
// memory for large angles.)
#pragma once

#include "elementwise/run.cuh"

namespace d4j {

/// sin and cos for |angle| < 2^51. The angle is reduced to r in [-pi/4, pi/4] with pi/2 in two parts (the products are
/// exact in the fma); the first terms that the series leave out are r^17 / 17! and r^16 / 16!, both below 1e-15.
D4J_DEVICE void sineAndCosine(double angle, float& sine, float& cosine) {
    const double quarters = rint(angle * 0.63661977236758134);  // 2 / pi
    double r = fma(quarters, -1.5707963267948966, angle);
    r = fma(quarters, -6.123233995736766e-17, r);
    const double q = r * r;
    double s = -1.0 / 1307674368000.0;  // 15!
    s = fma(s, q, 1.0 / 6227020800.0);
    s = fma(s, q, -1.0 / 39916800.0);
    s = fma(s, q, 1.0 / 362880.0);
    s = fma(s, q, -1.0 / 5040.0);
    s = fma(s, q, 1.0 / 120.0);
    s = fma(s, q, -1.0 / 6.0);
    s = fma(s * q, r, r);
    double c = -1.0 / 87178291200.0;  // 14!
    c = fma(c, q, 1.0 / 479001600.0);
    c = fma(c, q, -1.0 / 3628800.0);
    c = fma(c, q, 1.0 / 40320.0);
    c = fma(c, q, -1.0 / 720.0);
    c = fma(c, q, 1.0 / 24.0);
    c = fma(c, q, -0.5);
    c = fma(c, q, 1.0);
    const int quadrant = static_cast<int>(static_cast<int64_t>(quarters) & 3);
    const float even = static_cast<float>(quadrant % 2 == 0 ? s : c);
    const float odd = static_cast<float>(quadrant % 2 == 0 ? c : s);
    sine = quadrant >= 2 ? -even : even;
    cosine = quadrant == 1 || quadrant == 2 ? -odd : odd;
}

D4J_DEVICE void timestepEmbedding(const TimestepParams& p) {
    const int half = p.dim / 2;
    const int columns = ceilDiv(p.dim, 2);
    const int64_t item = itemOfThread();
    const int64_t sample = item / columns;
    const int j = static_cast<int>(item % columns);
    if (sample >= p.samples) return;
    float* row = p.dst + sample * p.dstStride;
    if (j == half) {
        row[p.dim - 1] = 0.0f;  // an odd dim ends in 0
        return;
    }
    const float t = p.timesteps[sample];
    float angle;
    if (p.fourier) {
        const float s = p.log ? static_cast<float>(log(static_cast<double>(t))) : t;
        angle = s * p.frequencies[j] * 2.0f * 3.14159265358979f;
    } else {
        angle = p.scale * (t * p.frequencies[j]);
    }
    float sine, cosine;
    sineAndCosine(angle, sine, cosine);
    row[p.cosineFirst ? half + j : j] = sine;
    row[p.cosineFirst ? j : half + j] = cosine;
}

}  // namespace d4j
