// Exact counters of memory traffic.
#pragma once

#include "check/lane_addresses.hpp"

#include <bitset>
#include <unordered_map>
#include <vector>

namespace vgpu {

/// Distinct 32-byte sectors, by page of 4 KiB.
class Footprint {
public:
    void add(uint64_t address) {
        uint64_t page = address >> 12;
        if (page != lastPage_) {
            lastPage_ = page;
            last_ = &pages_[page];
        }
        last_->set(address >> 5 & 127);
    }
    void merge(const Footprint& other);
    uint64_t bytes() const;

private:
    std::unordered_map<uint64_t, std::bitset<128>> pages_;
    uint64_t lastPage_ = ~0ull;
    std::bitset<128>* last_ = nullptr;
};

/// What one instruction of the program has cost so far.
struct InstructionCost {
    uint64_t warps = 0, threads = 0;
    uint64_t sectors = 0, idealSectors = 0, wavefronts = 0, idealWavefronts = 0;
};

struct SectorCount {
    uint64_t sectors, ideal;
};
/// Sectors of a request, and how many its distinct bytes would fill if they were dense.
SectorCount countSectors(const uint64_t* address, uint32_t mask, uint32_t bytes);

struct WaveCount {
    uint64_t waves, ideal;
};
/// Wavefronts of a shared-memory request: 32 banks of 4 bytes. 8-byte accesses go by half-warps and 16-byte ones by
/// quarters; within such a phase each bank serves one distinct word a wavefront. Ideal is one for each phase.
WaveCount countWavefronts(const uint64_t* offset, uint32_t mask, uint32_t bytes);

}  // namespace vgpu
