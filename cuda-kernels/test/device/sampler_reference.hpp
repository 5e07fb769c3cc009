// What the cases of the sampler's kernels compute themselves.
#pragma once

#include <algorithm>

#include "sampler/sampler_params.hpp"
#include "test/device/suite.hpp"

namespace d4j::test {

inline int32_t samplerType(DType type) {
    return type == DType::F32 ? D4J_SAMPLER_F32 : type == DType::BF16 ? D4J_SAMPLER_BF16 : D4J_SAMPLER_F16;
}

/// Linear between ranks.
inline double quantileOf(std::vector<double> magnitudes, double share) {
    std::sort(magnitudes.begin(), magnitudes.end());
    const double rank = share * (magnitudes.size() - 1);
    const size_t below = static_cast<size_t>(rank);
    const double high = magnitudes[std::min(below + 1, magnitudes.size() - 1)];
    return magnitudes[below] + (rank - below) * (high - magnitudes[below]);
}

inline double deviation(const std::vector<double>& x) {
    double mean = 0, squares = 0;
    for (const double v : x) mean += v / x.size();
    for (const double v : x) squares += (v - mean) * (v - mean);
    return x.size() < 2 ? 0 : std::sqrt(squares / (x.size() - 1));
}

/// sampler_statistics alone; part of samplerCases.
void samplerStatisticsCases(Suite& suite);

}  // namespace d4j::test
