// Exact counters of memory traffic.
#pragma once

#include <bitset>
#include <cstdint>
#include <unordered_map>

namespace vgpu {

class Runs;
struct WaveCount;

/// Distinct 32-byte sectors, by page of 4 KiB.
class Footprint {
public:
    /// The sectors that hold any of [begin, end).
    void add(uint64_t begin, uint64_t end);
    void merge(const Footprint& other);
    uint64_t bytes() const;

private:
    static constexpr uint64_t RECENT = 64;
    using Page = std::bitset<128>;
    Page& page(uint64_t number);

    std::unordered_map<uint64_t, Page> pages_;
    struct Recent {
        uint64_t number = ~0ull;
        Page* page = nullptr;
    };
    Recent recent_[RECENT];
};

/// What one instruction of the program has cost so far.
struct InstructionCost {
    uint64_t warps = 0, threads = 0;
    bool executed = false;  // by some lane: its guard held
    uint64_t sectors = 0, idealSectors = 0, wavefronts = 0, idealWavefronts = 0;
};

struct SectorCount {
    uint64_t sectors, ideal;
};
/// Sectors of a request, and how many its distinct bytes would fill if they were dense.
SectorCount countSectors(const Runs& runs);

/// Wavefronts of a shared-memory request: 32 banks of 4 bytes. 8-byte accesses go by half-warps and 16-byte ones by
/// quarters; within such a phase each bank serves one distinct word a wavefront. Ideal is one for each phase. breaks: the
/// lanes that do not follow their neighbour, see Runs.
WaveCount countWavefronts(const uint64_t* offset, uint32_t mask, uint32_t bytes, uint32_t breaks);

}  // namespace vgpu
