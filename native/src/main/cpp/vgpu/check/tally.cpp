#include "check/tally.hpp"

#include "check/checks.hpp"
#include "exec/mma.hpp"

#include <algorithm>
#include <map>

namespace vgpu {

namespace {

bool watches(const LaunchContext& launch, bool counting, const Instr& instr, const InstrInfo& info) {
    if (info.access.kind != Access::NoAccess && (counting || (launch.config.checks & ~CheckSync) != 0)) return true;
    if (counting && info.mmaFlops != 0) return true;
    return instr.control == Control::Convergent || (info.fence >= 2 && launch.races);
}

}  // namespace

Tally::Tally(const LaunchContext& launch) : counting(launch.config.counters || launch.config.lineCounters) {
    const Program& p = launch.program;
    const size_t size = p.code.size();
    watched.resize(size);
    for (size_t pc = 0; pc < size; ++pc) watched[pc] = watches(launch, counting, p.code[pc], p.info[pc]);
    requests.resize(size);
    if (p.usesAsyncCopies) sources.resize(size);
    if (counting) costs.resize(size);
}

void Tally::addTo(LaunchContext& launch, Counters& out) {
    if (!counting) return;
    const Program& p = launch.program;
    std::map<std::pair<uint32_t, uint32_t>, LineCounters> lines;
    for (size_t pc = 0; pc < costs.size(); ++pc) {
        const InstructionCost& c = costs[pc];
        if (c.warps == 0) continue;
        counters.warpInstructions += c.warps;
        counters.threadInstructions += c.threads;
        counters.mix[p.mixNames[p.info[pc].mix]] += c.warps;
        if (!launch.config.lineCounters) continue;
        if (c.executed) counters.executedLines.push_back(p.info[pc].ptxLine);
        const ptx::SourceLocation& where = p.info[pc].location;
        LineCounters& line = lines[{where.file, where.line}];
        line.file = where.file < p.files.size() ? p.files[where.file] : "";
        line.line = where.line;
        line.warpInstructions += c.warps;
        line.threadInstructions += c.threads;
        line.globalSectors += c.sectors;
        line.idealGlobalSectors += c.idealSectors;
        line.sharedWavefronts += c.wavefronts;
        line.idealSharedWavefronts += c.idealWavefronts;
    }
    for (const auto& [key, line] : lines) counters.lines.push_back(line);
    for (size_t type = 0; type < std::size(mmaFlops); ++type) {
        if (mmaFlops[type] == 0) continue;
        counters.mmaFlops += mmaFlops[type];
        counters.mmaFlopsByType[nameOf(static_cast<MmaType>(type))] += mmaFlops[type];
    }
    auto& executed = counters.executedLines;
    std::sort(executed.begin(), executed.end());
    executed.erase(std::unique(executed.begin(), executed.end()), executed.end());
    mergeCounters(out, counters);
    std::lock_guard<std::mutex> lock(launch.footprintMutex);
    launch.loadFootprint.merge(loads);
    launch.storeFootprint.merge(stores);
    launch.atomicFootprint.merge(atomics);
}

}  // namespace vgpu
