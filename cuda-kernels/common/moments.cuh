// Count, mean and sum of squared deviations, merged pairwise: Chan, Golub and LeVeque, "Updating formulae and a pairwise
// algorithm for computing sample variances", 1979, equation 2.1. Unlike sum of squares minus square of sums, it loses
// nothing when the mean is large beside the deviation.
#pragma once

#include "common/types.hpp"

namespace d4j {

struct Moments {
    float count;
    float mean;
    float m2;  // sum of (x - mean)^2
};

/// Both counts may be zero.
D4J_DEVICE Moments merge(Moments a, Moments b) {
    const float count = a.count + b.count;
    const float share = count > 0 ? b.count / count : 0.0f;
    const float delta = b.mean - a.mean;
    return {count, a.mean + delta * share, a.m2 + b.m2 + delta * delta * a.count * share};
}

}  // namespace d4j
