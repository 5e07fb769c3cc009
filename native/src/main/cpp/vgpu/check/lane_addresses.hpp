// The addresses that the lanes of an instruction touch, each in its own space, and their pattern.
#pragma once

#include "exec/warp.hpp"

namespace vgpu {

struct LaneAddresses {
    uint64_t at[32];      // global address, or offset within the space
    uint32_t global = 0, shared = 0, local = 0, param = 0;  // lanes in each space
    uint32_t bytes = 0;

    LaneAddresses(const Warp& w, const Access& access, uint32_t mask);
    /// The source of a cp.async.
    LaneAddresses(const Warp& w, const Instr& copy, uint32_t mask);
};

/// Neighbouring lanes at neighbouring addresses: lane first + i has [begin + i bytes, begin + (i + 1) bytes).
struct Run {
    uint64_t begin, end;
    uint8_t first;
    bool many;  // other lanes have the same addresses
};

/// A request as runs. They are disjoint and hold every byte of the request once; of the lanes that have one address, the
/// first stands for all. What has the same answer for a whole run is asked once.
class Runs {
public:
    Runs(const LaneAddresses& at, uint32_t mask);

    const Run* begin() const { return runs_; }
    const Run* end() const { return runs_ + size_; }
    /// Each run begins at or after the end of the one before.
    bool ascending() const { return ascending_; }
    /// Some address belongs to several lanes.
    bool repeated() const { return repeated_; }
    bool aligned() const { return aligned_; }
    uint32_t bytes() const { return bytes_; }
    uint64_t totalBytes() const;
    /// Lane i neither has the address of lane i - 1 nor the next one.
    uint32_t breaks() const { return breaks_; }

private:
    void everyAddress(const LaneAddresses& at, uint32_t mask);
    bool apart() const;

    uint32_t size_ = 0, bytes_, breaks_ = 0;
    bool ascending_ = true, repeated_ = false, aligned_ = true;
    Run runs_[32];
};

/// Number of lanes.
inline uint32_t population(uint32_t mask) { return mask == ~0u ? 32 : static_cast<uint32_t>(__builtin_popcount(mask)); }

}  // namespace vgpu
