#include "check/block_observer.hpp"

#include "check/checks.hpp"
#include "exec/mma.hpp"

#include <algorithm>

namespace vgpu {

BlockObserver::BlockObserver(LaunchContext& launch, Block& block, Tally& tally)
    : launch_(launch), block_(block), tally_(tally), checks_(launch.config.checks), counting_(tally.counting) {
    size_t warps = block.warps.size();
    uint32_t shared = static_cast<uint32_t>(block.warps[0].sharedBytes);
    tainted_.resize(warps);
    watched_ = tally.watched.data();
    if (counting_) costs_ = tally.costs.data();
    if (checks_ & CheckRace) sharedRaces_ = std::make_unique<SharedRaces>(launch.program, shared, warps);
    if (checks_ & CheckInit) poison_ = std::make_unique<Poison>(launch, tainted_, shared, block.warps[0].localStride);
}

void BlockObserver::start(Block& block) {
    clocks_.reset(block.warps.size());
    if (sharedRaces_) sharedRaces_->reset();
    if (poison_) poison_->reset();
    knowledge_.assign(block.warps.size(), WarpKnowledge());
}

void BlockObserver::finish(Block&) { ++tally_.counters.blocks; }

uint32_t BlockObserver::inspect(Warp& w, const Instr& instr, uint32_t pc, uint32_t active, uint32_t mask) {
    const InstrInfo& info = launch_.program.info[pc];
    Site s{w, instr, info, pc};
    w.pc = pc;
    if (launch_.races) learn(w);
    if (poison_) {
        uint32_t bad = poison_->undefinedGuard(w, instr, active);
        if (bad != 0) report(s, firstLane(bad), DiagnosticKind::Initcheck, "condition depends on memory or a register that was never written", 0, 0, false);
    }
    if (mask == 0) return 0;
    if ((checks_ & CheckSync) && instr.control == Control::Convergent) checkSync(s, mask);
    if (info.fence >= 2 && launch_.races) fence(w);
    if (instr.control == Control::Convergent && instr.flag == 0xff) clocks_.warpSync(w.id, mask, w.live());
    if (counting_ && info.mmaFlops != 0) {
        ++tally_.counters.mma;
        tally_.mmaFlops[info.mmaType & 15] += info.mmaFlops;
    }
    if (info.access.kind == Access::NoAccess || (!counting_ && (checks_ & ~CheckSync) == 0)) {
        if (poison_) poison_->flow(w, instr, info, nullptr, mask, nullptr);
        return mask;
    }
    uint32_t touching = mask;
    if (info.access.kind == Access::MatrixLoad) touching &= instr.n == 4 ? ~0u : (1u << (8 * instr.n)) - 1;
    LaneAddresses at(w, info.access, touching);
    Runs& runs = Tally::known(tally_.requests[pc]);
    runs.assign(at, touching);
    if (poison_) {
        uint32_t bad = poison_->undefinedAddress(w, info, touching);
        if (bad != 0) report(s, firstLane(bad), DiagnosticKind::Initcheck, "address depends on memory or a register that was never written", at.at[firstLane(bad)], at.bytes, false);
    }
    if (checks_ & CheckMemory) {
        bool write = info.access.kind == Access::Store || info.access.kind == Access::Atomic || info.access.kind == Access::AsyncCopy;
        uint32_t good = checkMemory(s, at, touching, runs, write);
        if (good != touching) {
            if (info.access.kind == Access::MatrixLoad) return 0;
            for (const InstrInfo::Row& r : info.writes) {
                if (r.bytes == 0) continue;
                eachLane(touching & ~good, [&](int i) { std::memset(w.regs + r.offset + static_cast<size_t>(i) * r.bytes, 0, r.bytes); });
            }
            mask = good;
            if (mask == 0) return 0;
            touching = good;
            at = LaneAddresses(w, info.access, touching);
            runs.assign(at, touching);
        }
    } else if (!withinBlock(w, at, touching)) {
        return mask;  // the access will end the launch
    }
    if (counting_) count(s, at, touching, runs);
    if (info.access.kind == Access::AsyncCopy) {
        asyncCopy(s, at, mask, runs);
    } else {
        races(s, at, touching, runs);
        if (poison_) checkInit(s, at, touching, runs);
    }
    return mask;
}

void BlockObserver::races(const Site& s, const LaneAddresses& at, uint32_t mask, const Runs& runs) {
    if (!(checks_ & CheckRace)) return;
    const Access& a = s.info.access;
    bool write = a.kind == Access::Store || a.kind == Access::Atomic;
    if (at.shared != 0) {
        if (at.shared == mask) sharedRaces(s, at, mask, runs, write);
        else sharedRaces(s, at, mask & at.shared, Runs(at, mask & at.shared), write);
    }
    if (at.global != 0 && a.space != ptx::Space::Const) {
        if (at.global == mask) globalRaces(s, at, mask, runs, write);
        else globalRaces(s, at, mask & at.global, Runs(at, mask & at.global), write);
        if (a.strong && a.scope >= 1) synchronise(s, at, mask & at.global);
    }
}

bool BlockObserver::keepsValue(const Site& s, const LaneAddresses& at, int lane) const {
    if (s.info.access.kind != Access::Store) return false;
    bool shared = at.shared >> lane & 1;
    const uint8_t* memory = shared ? s.w.shared + at.at[lane] : reinterpret_cast<const uint8_t*>(at.at[lane]);
    for (uint32_t k = 0; k < s.instr.n; ++k) {
        uint32_t width = 0;
        for (const InstrInfo::Row& r : s.info.reads) {
            if (r.offset == s.instr.v[k]) width = r.bytes;
        }
        if (width == 0 || std::memcmp(memory + k * s.instr.size, s.w.regs + s.instr.v[k] + static_cast<size_t>(lane) * width, s.instr.size) != 0) return false;
    }
    return true;
}

void BlockObserver::sharedRaces(const Site& s, const LaneAddresses& at, uint32_t mask, const Runs& runs, bool write) {
    for (const SharedRaces::Race& race : sharedRaces_->access(clocks_, {s.w.id, s.pc, write, s.info.access.strong}, at, mask, runs)) {
        const int i = static_cast<int>(race.lane);
        if (write && std::strncmp(race.what, "write after write", 17) == 0 && keepsValue(s, at, i)) continue;
        report(s, i, DiagnosticKind::Racecheck, std::string("shared memory: ") + race.what, at.at[i], at.bytes, false, race.otherThread, race.otherPc);
    }
}

void BlockObserver::globalRaces(const Site& s, const LaneAddresses& at, uint32_t mask, const Runs& runs, bool write) {
    Party self{static_cast<uint32_t>(block_.index), clocks_.clock(s.w.id), s.pc, static_cast<uint8_t>(s.w.id), 0, s.info.access.strong && s.info.access.scope >= 1, 0};
    tally_.races.clear();
    launch_.races->access(clocks_, knowledge_[s.w.id], self, at, mask, runs, write, recentPages_, tally_.races);
    for (const GlobalRaces::LaneRace& race : tally_.races) {
        if (write && keepsValue(s, at, race.lane)) continue;  // what is there already: no value can be lost
        const uint64_t otherBlock = race.other.block;
        report(s, race.lane, DiagnosticKind::Racecheck, std::string("global memory: ") + race.what, at.at[race.lane], at.bytes, true,
               race.other.warp * 32u + race.other.lane, race.other.pc, &otherBlock);
    }
}

void BlockObserver::synchronise(const Site& s, const LaneAddresses& at, uint32_t mask) {
    const Access& a = s.info.access;
    WarpKnowledge& k = knowledge_[s.w.id];
    bool writes = a.kind != Access::Load, reads = a.kind == Access::Load || a.kind == Access::Atomic;
    if (a.release) fence(s.w);
    eachLane(mask, [&](int i) {
        if (reads) k.reading.push_back(at.at[i]);
        if (writes) launch_.races->publish(at.at[i], k.release);
    });
    k.acquiring = a.acquire;
}

/// What the last strong read brought. Only now has it happened: what another block published between the check of that
/// instruction and its execution belongs to the value that it read.
void BlockObserver::learn(Warp& w) {
    WarpKnowledge& k = knowledge_[w.id];
    if (k.reading.empty()) return;
    for (uint64_t address : k.reading) launch_.races->observe(address, k.pending);
    k.reading.clear();
    if (!k.acquiring) return;
    join(k.acquired, k.pending);
    k.pending.clear();
}

void BlockObserver::fence(Warp& w) {
    WarpKnowledge& k = knowledge_[w.id];
    join(k.acquired, k.pending);
    k.pending.clear();
    k.release = k.acquired;
    std::vector<uint32_t> own(clocks_.known(w.id), clocks_.known(w.id) + clocks_.warps());
    own[w.id] = clocks_.clock(w.id);
    join(k.release, {{block_.index, own}});
    clocks_.advance(w.id);
}

void BlockObserver::checkInit(const Site& s, const LaneAddresses& at, uint32_t mask, const Runs& runs) {
    uint32_t bad = poison_->undefinedStore(s.w, s.instr, s.info, at, mask, runs);
    if (bad != 0) {
        int i = firstLane(bad);
        bool atomic = s.info.access.kind == Access::Atomic;
        report(s, i, DiagnosticKind::Initcheck, atomic ? "atomic operation on memory, or with a value, that was never written" : "stored value depends on memory or a register that was never written",
               at.at[i], at.bytes, at.global >> i & 1);
    }
    poison_->flow(s.w, s.instr, s.info, &at, mask, &runs);
}

void BlockObserver::asyncCopy(const Site& s, const LaneAddresses& to, uint32_t mask, const Runs& runs) {
    uint32_t reading = mask;
    if (s.instr.n != 0) {
        eachLane(mask, [&](int i) {
            bool none = (s.instr.n == 1 && s.w.row<uint32_t>(s.instr.c)[i] == 0) || (s.instr.n == 2 && (*s.w.row<uint32_t>(s.instr.c) >> i & 1));
            if (none) reading &= ~(1u << i);
        });
    }
    if (counting_) ++tally_.counters.asyncCopies;
    if (reading != 0) {
        LaneAddresses from(s.w, s.instr, reading);
        Runs& source = Tally::known(tally_.sources[s.pc]);
        source.assign(from, reading);
        uint32_t good = (checks_ & CheckMemory) ? checkGlobal(s, from, reading, source, false) : reading;
        if (good != reading && good != 0) source.assign(from, good);
        if (counting_ && good != 0) countGlobal(s, from, good, source, tally_.counters.globalLoad, tally_.loads);
        if ((checks_ & CheckRace) && good != 0) globalRaces(s, from, good, source, false);
    }
    if (!(checks_ & CheckRace)) return;
    sharedRaces(s, to, mask, runs, true);
    sharedRaces_->copiesIssued(runs);
}

void BlockObserver::copiesComplete(Warp& w, const std::vector<AsyncCopy>& copies) {
    if (poison_) {
        poison_->copiesComplete(copies);
    }
    if (sharedRaces_) sharedRaces_->copiesComplete(clocks_, w.id, copies);
}

// Lanes that execute together may form several groups with disjoint masks (cooperative-groups tiles); within a group
// every lane must name the same lanes.
void BlockObserver::checkSync(const Site& s, uint32_t mask) {
    const uint32_t* masks = s.w.row<uint32_t>(s.instr.sync);
    uint32_t differences = 0;
    for (int i = 0; i < 32; ++i) differences |= (masks[i] ^ masks[firstLane(mask)]) & static_cast<uint32_t>(-static_cast<int32_t>(mask >> i & 1));
    if (differences == 0 && (mask & ~masks[firstLane(mask)]) == 0) return;
    eachLane(mask, [&](int i) {
        if (!(masks[i] >> i & 1)) {
            report(s, i, DiagnosticKind::Synccheck, "the member mask does not name the lane that executes", 0, 0, false);
            return;
        }
        bool agree = true;
        eachLane(mask & masks[i], [&](int j) { agree = agree && masks[j] == masks[i]; });
        if (!agree) report(s, i, DiagnosticKind::Synccheck, "lanes that execute together have different member masks", 0, 0, false);
    });
}

void BlockObserver::branch(Warp&, bool divergent) {
    ++tally_.counters.branches;
    tally_.counters.divergentBranches += divergent;
}

void BlockObserver::arrives(Warp& w, uint32_t id) {
    ++tally_.counters.barriers;
    if (launch_.races) learn(w);
    clocks_.arrive(w.id, id);
}

void BlockObserver::barrier(Block& block, uint32_t id, const std::vector<uint32_t>& arrived, const std::vector<uint32_t>& waited) {
    bool everyone = true;
    for (const Warp& w : block.warps) everyone = everyone && (w.live() & ~waited[w.id]) == 0;
    clocks_.complete(id, arrived, waited, everyone);
    if (!launch_.races) return;
    WarpKnowledge all;
    for (size_t i = 0; i < arrived.size(); ++i) {
        if (arrived[i] == 0) continue;
        join(all.acquired, knowledge_[i].acquired);
        join(all.pending, knowledge_[i].pending);
    }
    if (all.acquired.empty() && all.pending.empty()) return;
    for (size_t i = 0; i < waited.size(); ++i) {
        if (waited[i] == 0) continue;
        knowledge_[i].acquired = all.acquired;
        knowledge_[i].pending = all.pending;
    }
}

void BlockObserver::divergentBarrier(Warp& w, uint32_t pc, uint32_t mask) {
    if (!(checks_ & CheckSync)) return;
    Site s{w, launch_.program.code[pc], launch_.program.info[pc], pc};
    uint32_t missing = w.live() & ~mask;
    report(s, firstLane(mask), DiagnosticKind::Synccheck,
           "barrier in divergent code: " + std::to_string(__builtin_popcount(missing)) + " threads of the warp are elsewhere", 0, 0, false);
}

void BlockObserver::report(const Site& s, int lane, DiagnosticKind kind, const std::string& message, uint64_t address, uint32_t bytes, bool global,
                           uint32_t otherThread, uint32_t otherPc, const uint64_t* otherBlock) {
    Diagnostic d = diagnosticAt(s.w, s.pc, lane, kind, message);
    d.address = address;
    d.size = bytes;
    if (global) d.allocation = launch_.memory.describe(address);
    if (otherThread != UINT32_MAX) d.otherThread = block_.threadId(otherThread / 32, otherThread % 32);
    if (otherPc != UINT32_MAX) d.otherLine = launch_.program.info[otherPc].location.line;
    if (otherBlock != nullptr) {
        const Dim3& g = launch_.config.grid;
        d.otherBlock = Dim3{static_cast<uint32_t>(*otherBlock % g.x), static_cast<uint32_t>(*otherBlock / g.x % g.y), static_cast<uint32_t>(*otherBlock / g.x / g.y)};
    }
    launch_.report(std::move(d));
}

std::unique_ptr<Observer> makeObserver(LaunchContext& launch, Block& block, Tally& tally) {
    return std::make_unique<BlockObserver>(launch, block, tally);
}

std::shared_ptr<GlobalRaces> makeGlobalRaces(LaunchContext& launch) { return std::make_shared<GlobalRaces>(launch.memory.state(), launch.config.hostThreads != 1); }

}  // namespace vgpu
