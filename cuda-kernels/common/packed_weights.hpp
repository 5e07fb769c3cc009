// How weights are laid out for the matrix kernels. Packed once, when a model is loaded.
#pragma once

#include "common/tile.hpp"

namespace d4j {

/// Slices of 64 bytes along the sum, in the order in which the main loop meets them; in each slice all output channels:
/// weights[slice][n][elements of a slice]. Places that stand for no weight are zeros; tf32 weights are rounded to nearest.
///
/// The sum of a convolution runs source by source, tap by tap, channel by channel, and the channels of each source are
/// padded to whole slices. The general kernels (`any`) run through (tap, channel of both sources) as one long row that
/// is padded at its end only. A linear layer has one tap and one source.
struct PackedWeights {
    int32_t n, taps, c0, c1;
    int32_t slice;  // elements, sliceElements(type)
    bool any;

    D4J_HOST_DEVICE constexpr int slices() const {
        return any ? ceilDiv(taps * (c0 + c1), slice) : taps * (ceilDiv(c0, slice) + ceilDiv(c1, slice));
    }

    D4J_HOST_DEVICE constexpr int64_t elements() const { return static_cast<int64_t>(slices()) * n * slice; }

    /// The element that holds the weight of an output channel, a tap and an input channel of the concatenated sources.
    D4J_HOST_DEVICE constexpr int64_t position(int output, int tap, int channel) const {
        const int k = alongSum(tap, channel);
        return (static_cast<int64_t>(k / slice) * n + output) * slice + k % slice;
    }

private:
    D4J_HOST_DEVICE constexpr int alongSum(int tap, int channel) const {
        if (any) {
            return tap * (c0 + c1) + channel;
        }
        const int padded0 = ceilDiv(c0, slice) * slice, padded1 = ceilDiv(c1, slice) * slice;
        return channel < c0 ? tap * padded0 + channel : taps * padded0 + tap * padded1 + channel - c0;
    }
};

}  // namespace d4j
