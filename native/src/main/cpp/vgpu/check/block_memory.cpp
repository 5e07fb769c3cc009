// memcheck and the memory counters of a block's observer.
#include "check/block_observer.hpp"
#include "check/checks.hpp"
#include "exec/mma.hpp"

#include <algorithm>
#include <iterator>

namespace vgpu {

const AllocationRecord* BlockObserver::allocation(uint64_t address) {
    Memory::State& memory = launch_.memory.state();
    uint64_t version = memory.version.load(std::memory_order_acquire);
    if (version != version_) {
        for (auto& r : recent_) r.reset();
        version_ = version;
    }
    for (const auto& r : recent_) {
        if (r != nullptr && address >= r->begin() && address < r->end()) return r.get();
    }
    std::shared_lock lock(memory.mutex);
    auto found = memory.lookup(address);
    if (found == nullptr) return nullptr;
    auto& slot = recent_[nextRecent_++ % 4];
    slot = std::move(found);
    return slot.get();
}

uint32_t BlockObserver::checkMemory(const Site& s, const LaneAddresses& at, uint32_t mask, const Runs& runs, bool write) {
    if (at.global == mask) return checkGlobal(s, at, mask, runs, write);
    if (at.shared == mask && runs.aligned() && runs.all([&](const Run& r) { return r.begin < r.end && r.end <= s.w.sharedBytes; })) return mask;
    uint32_t good = 0;
    if (at.global != 0) good |= checkGlobal(s, at, mask & at.global, Runs(at, mask & at.global), write);
    good |= checkWindow(s, at, mask & at.shared, s.w.sharedBytes, "shared memory", write);
    good |= checkWindow(s, at, mask & at.local, s.w.localStride, "local memory", write);
    if (at.param != 0) good |= checkWindow(s, at, mask & at.param, s.w.paramBytes, "kernel parameters", write);
    return good;
}

uint32_t BlockObserver::checkWindow(const Site& s, const LaneAddresses& at, uint32_t mask, uint64_t limit, const char* space, bool write) {
    uint64_t outside = 0, low = 0;
    eachLane(mask, [&](int i) {
        outside |= at.at[i] | (limit - at.bytes - at.at[i]);
        low |= at.at[i];
    });
    if (mask == 0 || (limit >= at.bytes && outside >> 63 == 0 && (low & (at.bytes - 1)) == 0)) return mask;
    uint32_t good = 0;
    eachLane(mask, [&](int i) {
        if (at.at[i] & (at.bytes - 1)) {
            report(s, i, DiagnosticKind::Memcheck, std::string("misaligned ") + (write ? "write to " : "read from ") + space, at.at[i], at.bytes, false);
            launch_.note(Status::MisalignedAddress, std::string("misaligned access to ") + space);
        } else if (at.at[i] >= limit || limit - at.at[i] < at.bytes) {
            report(s, i, DiagnosticKind::Memcheck, std::string(write ? "write" : "read") + " outside " + space + " of " + std::to_string(limit) + " bytes", at.at[i], at.bytes, false);
            launch_.note(Status::IllegalAddress, std::string("access outside ") + space);
        } else {
            good |= 1u << i;
        }
    });
    return good;
}

/// Without memcheck: what lies outside shared or local memory has no state here to look at.
bool BlockObserver::withinBlock(const Warp& w, const LaneAddresses& at, uint32_t mask) const {
    bool within = true;
    eachLane(mask & at.shared, [&](int i) { within = within && at.at[i] < w.sharedBytes && w.sharedBytes - at.at[i] >= at.bytes; });
    eachLane(mask & at.local, [&](int i) { within = within && at.at[i] < w.localStride && w.localStride - at.at[i] >= at.bytes; });
    return within;
}

uint32_t BlockObserver::checkGlobal(const Site& s, const LaneAddresses& at, uint32_t mask, const Runs& runs, bool write) {
    const bool plain = runs.aligned() && runs.all([&](const Run& r) {
        const AllocationRecord* record = allocation(r.begin);
        return record != nullptr && r.begin < r.end && r.end <= record->end() && !(write && record->info.kind == MemoryKind::Constant);
    });
    if (plain) return mask;
    uint32_t good = 0;
    const AllocationRecord* record = nullptr;
    eachLane(mask, [&](int i) {
        uint64_t a = at.at[i];
        const char* what = nullptr;
        Status status = Status::IllegalAddress;
        if (record == nullptr || a < record->begin() || a >= record->end()) record = allocation(a);
        if (a & (at.bytes - 1)) {
            what = write ? "misaligned write to global memory" : "misaligned read from global memory";
            status = Status::MisalignedAddress;
        } else if (record == nullptr || record->end() - a < at.bytes) {
            auto old = launch_.memory.find(a);
            if (old && old->freed) what = write ? "write to freed memory" : "read from freed memory";
            else what = write ? "write outside any allocation" : "read outside any allocation";
        } else if (write && record->info.kind == MemoryKind::Constant) {
            what = "write to constant memory";
        } else {
            good |= 1u << i;
            return;
        }
        report(s, i, DiagnosticKind::Memcheck, what, a, at.bytes, true);
        launch_.note(status, what);
    });
    return good;
}

void BlockObserver::countGlobal(const Site& s, const LaneAddresses& at, uint32_t mask, const Runs& runs, AccessCounters& c, Footprint& footprint) {
    SectorCount n = countSectors(runs);
    ++c.requests;
    c.sectors += n.sectors;
    c.idealSectors += n.ideal;
    c.bytes += uint64_t(population(mask)) * at.bytes;
    costs_[s.pc].sectors += n.sectors;
    costs_[s.pc].idealSectors += n.ideal;
    for (const Run r : runs) footprint.add(r.begin, r.end);
}

void BlockObserver::countShared(const Site& s, const LaneAddresses& at, uint32_t mask, Runs& runs, SharedCounters& c) {
    const bool matrix = s.info.access.kind == Access::MatrixLoad;
    const WaveCount n = runs.waves([&] {
        if (!matrix) return countWavefronts(at.at, mask, at.bytes, runs.breaks());
        // Eight rows of 16 bytes are one wavefront when they meet in no bank.
        WaveCount all{0, 0};
        for (uint32_t j = 0; j < s.instr.n; ++j) {
            WaveCount one = countWavefronts(at.at + 8 * j, 255, 16, runs.breaks() >> 8 * j);
            all.waves += one.waves;
            all.ideal += one.ideal;
        }
        return all;
    });
    c.requests += matrix ? s.instr.n : 1;
    c.wavefronts += n.waves;
    c.idealWavefronts += n.ideal;
    c.bytes += uint64_t(population(mask)) * at.bytes;
    costs_[s.pc].wavefronts += n.waves;
    costs_[s.pc].idealWavefronts += n.ideal;
}

void BlockObserver::count(const Site& s, const LaneAddresses& at, uint32_t mask, Runs& runs) {
    Access::Kind kind = s.info.access.kind;
    if (kind == Access::MatrixLoad) ++tally_.counters.ldmatrix;
    if (at.global != 0 && s.info.access.space != ptx::Space::Const) {
        auto countPart = [&](const Runs& part) {
            if (kind == Access::Load) countGlobal(s, at, mask & at.global, part, tally_.counters.globalLoad, tally_.loads);
            else if (kind == Access::Store) countGlobal(s, at, mask & at.global, part, tally_.counters.globalStore, tally_.stores);
            else if (kind == Access::Atomic) countGlobal(s, at, mask & at.global, part, tally_.counters.globalAtomic, tally_.atomics);
        };
        if (at.global == mask) countPart(runs);
        else countPart(Runs(at, mask & at.global));
    }
    if (at.shared != 0) {
        SharedCounters& c = kind == Access::MatrixLoad ? tally_.counters.ldmatrixWaves : kind == Access::AsyncCopy ? tally_.counters.asyncCopyShared
                            : kind == Access::Store ? tally_.counters.sharedStore : kind == Access::Atomic ? tally_.counters.sharedAtomic : tally_.counters.sharedLoad;
        Runs part;
        if (at.shared != mask) part.assign(at, mask & at.shared);
        countShared(s, at, mask & at.shared, at.shared == mask ? runs : part, c);
    }
    if (at.local != 0) {
        // Local memory interleaves the lanes by words of four bytes.
        LaneAddresses words = at;
        words.bytes = 4;
        for (int i = 0; i < 32; ++i) words.at[i] = at.at[i] / 4 * 128 + static_cast<uint64_t>(i) * 4;
        AccessCounters& c = kind == Access::Load ? tally_.counters.localLoad : tally_.counters.localStore;
        ++c.requests;
        c.bytes += uint64_t(population(mask & at.local)) * at.bytes;
        uint64_t perWord = countSectors(Runs(words, mask & at.local)).sectors, n = std::max(1u, at.bytes / 4);
        c.sectors += perWord * n;
        c.idealSectors += (uint64_t(population(mask & at.local)) * at.bytes + 31) / 32;
    }
}

namespace {

void addAccess(AccessCounters& a, const AccessCounters& b) {
    a.requests += b.requests;
    a.sectors += b.sectors;
    a.idealSectors += b.idealSectors;
    a.bytes += b.bytes;
}

void addShared(SharedCounters& a, const SharedCounters& b) {
    a.requests += b.requests;
    a.wavefronts += b.wavefronts;
    a.idealWavefronts += b.idealWavefronts;
    a.bytes += b.bytes;
}

}  // namespace

void mergeCounters(Counters& a, const Counters& b) {
    a.warpInstructions += b.warpInstructions;
    a.threadInstructions += b.threadInstructions;
    for (auto field : {&Counters::globalLoad, &Counters::globalStore, &Counters::globalAtomic, &Counters::localLoad, &Counters::localStore}) addAccess(a.*field, b.*field);
    for (auto field : {&Counters::sharedLoad, &Counters::sharedStore, &Counters::sharedAtomic, &Counters::asyncCopyShared, &Counters::ldmatrixWaves}) {
        addShared(a.*field, b.*field);
    }
    for (auto field : {&Counters::ldmatrix, &Counters::mma, &Counters::mmaFlops, &Counters::branches, &Counters::divergentBranches, &Counters::barriers,
                       &Counters::asyncCopies, &Counters::blocks}) {
        a.*field += b.*field;
    }
    for (const auto& [type, flops] : b.mmaFlopsByType) a.mmaFlopsByType[type] += flops;
    for (const auto& [name, n] : b.mix) a.mix[name] += n;
    std::vector<uint32_t> executed;
    std::set_union(a.executedLines.begin(), a.executedLines.end(), b.executedLines.begin(), b.executedLines.end(), std::back_inserter(executed));
    a.executedLines = std::move(executed);
    for (const LineCounters& line : b.lines) {
        auto same = std::find_if(a.lines.begin(), a.lines.end(), [&](const LineCounters& x) { return x.line == line.line && x.file == line.file; });
        if (same == a.lines.end()) {
            a.lines.push_back(line);
            continue;
        }
        for (auto field : {&LineCounters::warpInstructions, &LineCounters::threadInstructions, &LineCounters::globalSectors, &LineCounters::idealGlobalSectors,
                           &LineCounters::sharedWavefronts, &LineCounters::idealSharedWavefronts}) {
            (*same).*field += line.*field;
        }
    }
}

void finishCounters(LaunchContext& launch, Counters& c) {
    c.globalLoad.uniqueBytes = launch.loadFootprint.bytes();
    c.globalStore.uniqueBytes = launch.storeFootprint.bytes();
    c.globalAtomic.uniqueBytes = launch.atomicFootprint.bytes();
    std::sort(c.lines.begin(), c.lines.end(), [](const LineCounters& a, const LineCounters& b) { return std::tie(a.file, a.line) < std::tie(b.file, b.line); });
}

}  // namespace vgpu
