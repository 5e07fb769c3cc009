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

struct WaveCount {
    uint64_t waves, ideal;
};

/// A request as runs. They are disjoint and hold every byte of the request once; of the lanes that have one address, the
/// first stands for all. What has the same answer for a whole run is asked once.
class Runs {
public:
    Runs() = default;
    Runs(const LaneAddresses& at, uint32_t mask) { find(at, mask); }

    /// Makes this the request's runs. An instruction usually touches one pattern at many places: found again, it is only
    /// moved.
    void assign(const LaneAddresses& at, uint32_t mask) {
        if (!follows(at, mask)) find(at, mask);
    }

    class Iterator {
    public:
        Iterator(const Run* run, uint64_t base) : run_(run), base_(base) {}
        Run operator*() const { return {run_->begin + base_, run_->end + base_, run_->first, run_->many}; }
        Iterator& operator++() {
            ++run_;
            return *this;
        }
        bool operator!=(const Iterator& other) const { return run_ != other.run_; }

    private:
        const Run* run_;
        uint64_t base_;
    };
    Iterator begin() const { return {runs_, base_}; }
    Iterator end() const { return {runs_ + size_, base_}; }
    template <class F>
    bool all(F f) const {
        for (const Run r : *this) {
            if (!f(r)) return false;
        }
        return true;
    }
    uint32_t size() const { return size_; }
    /// Each run begins at or after the end of the one before.
    bool ascending() const { return ascending_; }
    /// Some address belongs to several lanes.
    bool repeated() const { return repeated_; }
    bool aligned() const { return ((low_ | base_) & (bytes_ - 1)) == 0; }
    uint32_t bytes() const { return bytes_; }
    uint64_t totalBytes() const;
    /// Lane i neither has the address of lane i - 1 nor the next one.
    uint32_t breaks() const { return breaks_; }
    /// The wavefronts of this pattern in shared memory, counted by f unless its banks are those of the last time.
    template <class F>
    WaveCount waves(F f) {
        constexpr uint64_t BANKS = 128;
        if (!counted_ || (base_ - countedAt_) % BANKS != 0) {
            waves_ = f();
            countedAt_ = base_;
            counted_ = true;
        }
        return waves_;
    }

private:
    void find(const LaneAddresses& at, uint32_t mask);
    bool follows(const LaneAddresses& at, uint32_t mask);
    void everyAddress(uint32_t mask);
    bool apart() const;

    uint32_t mask_ = 0, size_ = 0, bytes_ = 0, breaks_ = 0;
    bool ascending_ = true, repeated_ = false, counted_ = false;
    uint64_t base_ = 0, low_ = 0;  // everything below is relative to base_, the address of the first lane
    uint64_t countedAt_ = 0;
    WaveCount waves_{0, 0};
    uint64_t offsets_[32];  // by lane; 0 for lanes that are not in mask_
    Run runs_[32];
};

/// Number of lanes.
inline uint32_t population(uint32_t mask) { return mask == ~0u ? 32 : static_cast<uint32_t>(__builtin_popcount(mask)); }

}  // namespace vgpu
