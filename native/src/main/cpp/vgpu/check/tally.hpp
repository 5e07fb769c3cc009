// What one host thread counts in a launch, and what it remembers of each instruction, over all the blocks that it runs.
#pragma once

#include "check/counting.hpp"
#include "check/global_races.hpp"
#include "check/lane_addresses.hpp"
#include "exec/launch_context.hpp"

#include <memory>
#include <vector>

namespace vgpu {

struct Tally {
    explicit Tally(const LaunchContext& launch);

    /// Once, when all blocks are done.
    void addTo(LaunchContext& launch, Counters& counters);

    static Runs& known(std::unique_ptr<Runs>& slot) {
        if (slot == nullptr) slot = std::make_unique<Runs>();
        return *slot;
    }

    const bool counting;
    std::vector<uint8_t> watched;        // by pc: not zero for instructions that every observer must always see
    std::vector<InstructionCost> costs;  // by pc; empty when nothing is counted
    /// By pc: the last runs of each instruction that touches memory, and of what an asynchronous copy reads.
    std::vector<std::unique_ptr<Runs>> requests, sources;
    Counters counters;
    uint64_t mmaFlops[16] = {};  // by type of A
    Footprint loads, stores, atomics;
    std::vector<GlobalRaces::LaneRace> races;  // of the request under way
};

}  // namespace vgpu
