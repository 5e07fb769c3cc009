// Which accesses of other warps of a block are ordered before now.
//
// Each warp has a clock that advances when it reaches a block barrier or a fence. known(w, v) is the last clock of v
// whose accesses are ordered before what w does next. Within a warp, sequence numbers of bar.warp.sync do the same for
// lanes.
#pragma once

#include "exec/warp.hpp"

#include <array>
#include <vector>

namespace vgpu {

class BlockClocks {
public:
    void reset(size_t warps);

    uint32_t clock(uint32_t w) const { return clocks_[w]; }
    bool ordered(uint32_t w, uint32_t v, uint32_t clock) const { return known_[w * warps_ + v] >= clock; }
    const uint32_t* known(uint32_t w) const { return &known_[w * warps_]; }
    size_t warps() const { return warps_; }
    /// A fence: what comes after it is not covered by what it publishes.
    void advance(uint32_t w) { ++clocks_[w]; }

    void arrive(uint32_t w, uint32_t barrier);
    void complete(uint32_t barrier, const std::vector<uint32_t>& arrived, const std::vector<uint32_t>& waited, bool everyone);
    /// Barriers so far that all threads of the block took part in.
    uint32_t epoch() const { return epoch_; }

    uint32_t sequence(uint32_t w) const { return sequences_[w]; }
    void warpSync(uint32_t w, uint32_t mask, uint32_t live);
    /// Lane a comes after what lane b did at this sequence number.
    bool lanesOrdered(uint32_t w, uint32_t a, uint32_t b, uint32_t sequence) const;
    bool allLanesOrdered(uint32_t w, uint32_t sequence) const { return together_[w] > sequence; }

private:
    size_t warps_ = 0;
    uint32_t epoch_ = 1;
    std::vector<uint32_t> clocks_, known_;
    struct Arrival {
        bool present = false;
        uint32_t clock = 0;
        std::vector<uint32_t> known;
    };
    std::array<std::vector<Arrival>, 16> arrivals_;
    std::vector<uint32_t> sequences_, together_;
    std::vector<std::array<uint32_t, 32 * 32>> pairs_;  // only once a partial bar.warp.sync has been seen
};

}  // namespace vgpu
