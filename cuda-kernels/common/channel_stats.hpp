// Statistics that a conv or GEMM epilogue leaves for the GroupNorm that follows.
//
// The epilogue writes, for every block of `rows` consecutive output pixels (rows of the NHWC matrix [n h w, c]) and for
// every channel, the sum and the squared deviation from the block's own mean of the values it stored:
//   ChannelStats stats[pixels / rows][channels]
// Per channel and not per group: so the norm may put its groups over two sources (skip connections) whatever the channel
// count of each. A block never crosses a sample (rows divides h * w), and the order of summation is fixed.
// A group's statistics follow by merging (count = rows, mean = sum / rows, m2) over its channels and blocks; see Moments.
#pragma once

#include "common/types.hpp"

namespace d4j {

struct alignas(8) ChannelStats {
    float sum;
    float m2;
};

/// Pixels in a block, for every producer and every tile.
constexpr int kStatsRows = 32;

/// Whether a producer can leave statistics for images of this many pixels.
D4J_HOST_DEVICE constexpr bool statsPossible(int pixelsPerSample) { return pixelsPerSample % kStatsRows == 0; }

}  // namespace d4j
