#include "model/time_model.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace vgpu::model {

namespace {

// Tensor rates relative to f16 with f32 accumulation, from the same papers as the profiles.
double tensorRatio(const DeviceProfile& profile, const std::string& type) {
    if (type == "tf32") return 0.5;
    if (type == "s8" || type == "u8" || type == "e4m3" || type == "e5m2") return 2.0;
    if (type == "s4" || type == "u4") return 4.0;
    if (type == "b1") return 16.0;
    // A100 and H100 run f64 at twice the rate of their f64 lanes; Ada has no f64 tensor cores and uses its lanes.
    if (type == "f64") {
        double perLane = profile.fp64LanesPerSm >= 32 ? 4.0 : 2.0;
        return perLane * profile.fp64LanesPerSm / profile.tensorF16FlopsPerSm;
    }
    return 1.0;  // f16, bf16
}

uint64_t sectors(const Counters& c) {
    return c.globalLoad.sectors + c.globalStore.sectors + c.globalAtomic.sectors + c.localLoad.sectors +
           c.localStore.sectors;
}

uint64_t footprint(const Counters& c) {
    return c.globalLoad.uniqueBytes + c.globalStore.uniqueBytes + c.globalAtomic.uniqueBytes + c.localLoad.uniqueBytes +
           c.localStore.uniqueBytes;
}

uint64_t wavefronts(const Counters& c) {
    return c.sharedLoad.wavefronts + c.sharedStore.wavefronts + c.sharedAtomic.wavefronts +
           c.asyncCopyShared.wavefronts + c.ldmatrixWaves.wavefronts;
}

uint64_t classCount(const Counters& c, const char* name) {
    auto found = c.mix.find(name);
    return found == c.mix.end() ? 0 : found->second;
}

}  // namespace

TimeEstimate estimate(const DeviceProfile& profile, const LaunchShape& shape, const Counters& counters) {
    TimeEstimate t;
    uint64_t blocks = shape.grid.count();
    uint32_t threads = static_cast<uint32_t>(std::min<uint64_t>(shape.block.count(), 1024));
    Occupancy resident = occupancy(profile, {threads, shape.registersPerThread, shape.sharedBytes});
    t.blocksPerSm = resident.blocksPerSm;
    t.occupancyLimit = resident.limit;
    uint64_t perWave = uint64_t(profile.smCount) * std::max(1u, resident.blocksPerSm);
    t.waves = (blocks + perWave - 1) / perWave;
    uint64_t busiest = (blocks + profile.smCount - 1) / profile.smCount;
    t.balance = busiest == 0 ? 1.0 : double(blocks) / (double(busiest) * profile.smCount);

    double scale = counters.blocks > 0 ? double(blocks) / double(counters.blocks) : 1.0;
    // What an SM does is bounded by the SM with the most blocks; what the device shares is not.
    double sm = scale * 1e9 / (profile.clockHz() * profile.smCount * t.balance);
    double device = scale * 1e9;

    for (const auto& [type, flops] : counters.mmaFlopsByType) {
        double rate = profile.tensorF16FlopsPerSm * tensorRatio(profile, type) * profile.mmaSyncFraction;
        t.tensor += sm * double(flops) / rate;
    }
    t.issue = sm * double(counters.warpInstructions) / issueSlotsPerSm;
    t.fp32 = sm * double(classCount(counters, "fp32")) * warpSize / profile.fp32LanesPerSm;
    // A wavefront moves up to 128 bytes: one a clock.
    t.shared = sm * double(wavefronts(counters));
    t.l2 = device * double(sectors(counters)) * 32 / (profile.l2BytesPerClock * profile.clockHz());
    t.dram = device * double(footprint(counters)) / profile.dramBytesPerSecond;

    struct Resource {
        const char* name;
        double time;
    };
    double longest = 0;
    for (const Resource& r : {Resource{"tensor", t.tensor}, Resource{"issue", t.issue}, Resource{"fp32", t.fp32},
                              Resource{"shared", t.shared}, Resource{"l2", t.l2}, Resource{"dram", t.dram}}) {
        if (r.time > longest) {
            longest = r.time;
            if (r.time > profile.launchNanoseconds) t.bound = r.name;
        }
    }
    t.total = profile.launchNanoseconds + longest;
    return t;
}

double copyNanoseconds(const DeviceProfile& profile, uint64_t bytes, bool crossesBus) {
    // On the device each byte is read and written.
    double rate = crossesBus ? profile.hostBytesPerSecond : profile.dramBytesPerSecond / 2;
    return profile.launchNanoseconds + double(bytes) * 1e9 / rate;
}

}  // namespace vgpu::model
