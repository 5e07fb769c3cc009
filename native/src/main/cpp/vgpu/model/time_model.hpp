// An estimate of how long a launch takes on the device of a profile, from the exact counters of its execution. The
// formula is documented in vgpu/README.md, "Time model".
#pragma once

#include "machine.hpp"
#include "model/device_profile.hpp"
#include "model/occupancy.hpp"

namespace vgpu::model {

struct LaunchShape {
    Dim3 grid, block;
    uint32_t registersPerThread = 0;
    uint32_t sharedBytes = 0;
};

/// Nanoseconds that each resource would need alone, and what follows.
struct TimeEstimate {
    double tensor = 0, issue = 0, fp32 = 0, shared = 0, l2 = 0, dram = 0;
    double total = 0;
    const char* bound = "launch";  // the resource with the largest time, or "launch" if the fixed cost exceeds it
    uint64_t waves = 0;            // of blocks over the SMs
    uint32_t blocksPerSm = 0;      // that are resident together
    const char* occupancyLimit = "";
    double balance = 0;  // 0..1: how evenly the blocks spread over the SMs
};

/// counters may cover a subset of the blocks (counters.blocks > 0): they are scaled to the grid.
TimeEstimate estimate(const DeviceProfile& profile, const LaunchShape& shape, const Counters& counters);

/// Copies and memsets.
double copyNanoseconds(const DeviceProfile& profile, uint64_t bytes, bool crossesBus);

}  // namespace vgpu::model
