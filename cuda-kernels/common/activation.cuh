// Activation functions in f32. Accuracy: exp through ex2.approx (2 ulp) and division through rcp.approx (1 ulp), which
// is 1e-6 relative, half of what a single f32 kernel may err.
#pragma once

#include "common/types.hpp"

namespace d4j {

/// 1 / (1 + exp(-x)): 0 and 1 at the ends, never NaN for a number.
D4J_DEVICE float sigmoid(float x) { return __fdividef(1.0f, 1.0f + __expf(-x)); }

D4J_DEVICE float silu(float x) { return x * sigmoid(x); }

D4J_DEVICE float geluErf(float x) {
    return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));  // x Phi(x), 1 / sqrt(2)
}

/// Hendrycks and Gimpel 2016: 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) = x sigmoid(2 sqrt(2 / pi) (...)).
D4J_DEVICE float geluTanh(float x) { return x * sigmoid(1.5957691216057308f * (x + 0.044715f * x * x * x)); }

D4J_DEVICE float quickGelu(float x) { return x * sigmoid(1.702f * x); }

/// `activation` is the same for the whole grid, so the branch does not diverge. Geglu works on pairs: see the epilogue.
D4J_DEVICE float activate(Activation activation, float x) {
    switch (activation) {
        case Activation::Silu:
            return silu(x);
        case Activation::GeluErf:
            return geluErf(x);
        case Activation::GeluTanh:
            return geluTanh(x);
        case Activation::QuickGelu:
            return quickGelu(x);
        default:
            return x;
    }
}

}  // namespace d4j
