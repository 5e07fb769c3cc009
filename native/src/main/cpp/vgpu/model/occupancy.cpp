#include "model/occupancy.hpp"

namespace vgpu::model {

namespace {

uint32_t roundUp(uint32_t value, uint32_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

Occupancy occupancy(const DeviceProfile& profile, const BlockResources& block) {
    if (block.threads == 0) return {};
    uint32_t warps = (block.threads + warpSize - 1) / warpSize;
    Occupancy result{profile.maxBlocksPerSm, 0, "blocks"};
    auto limitTo = [&result](uint32_t blocks, const char* what) {
        if (blocks < result.blocksPerSm) {
            result.blocksPerSm = blocks;
            result.limit = what;
        }
    };
    limitTo(profile.maxThreadsPerSm / warpSize / warps, "threads");
    if (block.registersPerThread > 0) {
        // Each of the four partitions of an SM has its own quarter of the register file.
        uint32_t perWarp = roundUp(block.registersPerThread * warpSize, registerUnit);
        uint32_t warpsPerPartition = registersPerSm / issueSlotsPerSm / perWarp;
        limitTo(warpsPerPartition * issueSlotsPerSm / warps, "registers");
    }
    limitTo(profile.sharedPerSm / roundUp(block.sharedBytes + reservedSharedPerBlock, sharedUnit), "shared");
    result.warpsPerSm = result.blocksPerSm * warps;
    return result;
}

}  // namespace vgpu::model
