// How many blocks of a kernel an SM can hold at once.
#pragma once

#include "model/device_profile.hpp"

#include <cstdint>

namespace vgpu::model {

struct BlockResources {
    uint32_t threads = 0;           // 1 to 1024
    uint32_t registersPerThread = 0;
    uint32_t sharedBytes = 0;       // static and dynamic
};

struct Occupancy {
    uint32_t blocksPerSm = 0;  // 0: the block does not fit at all
    uint32_t warpsPerSm = 0;
    const char* limit = "";  // what keeps it from being higher: blocks, threads, registers or shared
};

/// The rules of the CUDA occupancy calculator: registers go to warps in units of 256, shared memory to blocks in units of
/// 128 bytes and 1 KiB more for the system.
Occupancy occupancy(const DeviceProfile& profile, const BlockResources& block);

}  // namespace vgpu::model
