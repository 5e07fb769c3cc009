// Making observers.
#pragma once

#include "exec/block.hpp"

#include <memory>

namespace vgpu {

struct Tally;

/// The observer of one block for what the launch's configuration asks.
std::unique_ptr<Observer> makeObserver(LaunchContext& launch, Block& block, Tally& tally);

/// The race detector for global memory, shared by all blocks of a launch.
std::shared_ptr<GlobalRaces> makeGlobalRaces(LaunchContext& launch);

void mergeCounters(Counters& into, const Counters& from);
/// What needs the counts of all host threads: footprints, lines in order.
void finishCounters(LaunchContext& launch, Counters& counters);

/// First and one past the last address of the device's own memory.
void arenaBounds(Memory& memory, uint64_t& begin, uint64_t& end);

}  // namespace vgpu
