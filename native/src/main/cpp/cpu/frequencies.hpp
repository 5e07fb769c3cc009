// The frequencies of sinusoidal timestep features, for every kind of device.
#pragma once

#include "status.hpp"

#include <cmath>
#include <vector>

namespace d4j {

/// exp(-ln(max_period) j / (dim / 2 - shift)) for j < dim / 2, rounded to f32 after every operation, as the models were
/// trained.
inline std::vector<float> sinusoidal_frequencies(int dim, float shift, float max_period) {
    require(dim > 0, "dim must be positive");
    require(max_period > 0, "max_period must be positive");
    const int half = dim / 2;
    const float divisor = static_cast<float>(half) - shift;
    require(half == 0 || divisor != 0, "dim / 2 - downscale_freq_shift is 0");
    const auto log_period = static_cast<float>(-std::log(static_cast<double>(max_period)));
    std::vector<float> frequencies;
    for (int j = 0; j < half; ++j) {
        const float exponent = log_period * static_cast<float>(j) / divisor;
        frequencies.push_back(static_cast<float>(std::exp(static_cast<double>(exponent))));
    }
    return frequencies;
}

}  // namespace d4j
