// The sizes and rates of the GPUs that the virtual one can stand for.
#pragma once

#include <cstdint>
#include <string>

namespace vgpu::model {

struct DeviceProfile {
    const char* name;        // as DIFFUSE4J_VGPU and --device spell it
    const char* marketName;  // as cuDeviceGetName reports it

    // Sizes.
    uint32_t smCount;
    uint32_t maxThreadsPerSm;
    uint32_t maxBlocksPerSm;
    uint32_t sharedPerSm;        // bytes
    uint32_t sharedPerBlock;     // bytes, after opting in
    uint64_t memoryBytes;
    uint64_t l2Bytes;
    uint32_t busWidthBits;
    uint32_t memoryClockKhz;

    // Rates.
    uint32_t clockKhz;             // boost: the clock behind the published peak rates
    uint32_t tensorF16FlopsPerSm;  // dense f16 -> f32 FLOPs for a clock and an SM; other types are ratios of it
    double mmaSyncFraction;        // of that peak which mma.sync can reach
    uint32_t fp32LanesPerSm;
    uint32_t fp64LanesPerSm;
    uint32_t l2BytesPerClock;      // whole device
    double dramBytesPerSecond;
    double hostBytesPerSecond;     // one direction of the bus to the host
    double launchNanoseconds;      // a kernel that does nothing takes this long

    double clockHz() const { return clockKhz * 1e3; }
};

/// Null for a name that is none of h100, a100, rtx4090.
const DeviceProfile* findProfile(const std::string& name);

// Equal on every profile: the register file (64 Ki 32-bit registers an SM, given out in units of 256 to a warp), four
// issue slots a clock, 128 bytes of shared memory a clock, and 1 KiB of shared memory the system keeps for each block.
// CUDA C++ Programming Guide, compute capabilities 8.0, 8.9 and 9.0.
constexpr uint32_t registersPerSm = 65536;
constexpr uint32_t registerUnit = 256;
constexpr uint32_t maxRegistersPerThread = 255;
constexpr uint32_t issueSlotsPerSm = 4;
constexpr uint32_t sharedBytesPerClock = 128;
constexpr uint32_t reservedSharedPerBlock = 1024;
constexpr uint32_t sharedUnit = 128;
constexpr uint32_t warpSize = 32;
constexpr uint32_t sharedWithoutOptIn = 48 * 1024;

}  // namespace vgpu::model
