// Blocks: setting up warps, and giving them turns.
#include "exec/block.hpp"

#include "check/checks.hpp"
#include "check/observer.hpp"
#include "memory/memory_state.hpp"

#include <algorithm>

namespace vgpu {

namespace {

constexpr uint32_t QUANTUM = 1u << 16;  // instructions of a warp's turn

uint64_t roundUp(uint64_t value, uint64_t step) { return (value + step - 1) / step * step; }

uint32_t specialValue(Special special, const LaunchContext& launch, const Block& block, uint32_t warp, uint32_t lane) {
    const LaunchConfig& c = launch.config;
    uint32_t t = warp * 32 + lane;
    switch (special) {
        case Special::TidX: return t % c.block.x;
        case Special::TidY: return t / c.block.x % c.block.y;
        case Special::TidZ: return t / c.block.x / c.block.y;
        case Special::NtidX: return c.block.x;
        case Special::NtidY: return c.block.y;
        case Special::NtidZ: return c.block.z;
        case Special::CtaidX: return block.id.x;
        case Special::CtaidY: return block.id.y;
        case Special::CtaidZ: return block.id.z;
        case Special::NctaidX: return c.grid.x;
        case Special::NctaidY: return c.grid.y;
        case Special::NctaidZ: return c.grid.z;
        case Special::LaneId: return lane;
        case Special::WarpId: return warp;
        case Special::NWarpId: return static_cast<uint32_t>(block.warps.size());
        case Special::SmId: return static_cast<uint32_t>(block.index % std::max(1u, c.smCount));
        case Special::NSmId: return c.smCount;
        case Special::GridId: return 1;
        case Special::LaneMaskEq: return 1u << lane;
        case Special::LaneMaskLe: return lane == 31 ? ~0u : (2u << lane) - 1;
        case Special::LaneMaskLt: return (1u << lane) - 1;
        case Special::LaneMaskGe: return ~((1u << lane) - 1);
        case Special::LaneMaskGt: return lane == 31 ? 0 : ~((2u << lane) - 1);
        case Special::DynamicSmemSize: return c.dynamicSharedBytes;
        // In units of allocation, 128 bytes since sm_80.
        case Special::TotalSmemSize: return static_cast<uint32_t>(roundUp(launch.info.staticSharedBytes + c.dynamicSharedBytes, 128));
        case Special::Zero: return 0;
    }
    return 0;
}

}  // namespace

Block::Block(LaunchContext& launch, Tally* tally) : launch(&launch) {
    const Program& p = launch.program;
    uint64_t threads = launch.config.block.count();
    warps.resize((threads + 31) / 32);
    uint64_t registers = roundUp(p.registerBytes, 64);
    uint64_t sharedBytes = roundUp(launch.info.staticSharedBytes + launch.config.dynamicSharedBytes, 1024);
    uint64_t local = roundUp(p.localBytes + (p.hasRecursion ? launch.config.stackBytes : 0), 16);
    storages = launch.memory.state().storages;
    storage = storages->take(sharedBytes + warps.size() * (registers + 32 * local) + 2048);
    uint8_t* at = reinterpret_cast<uint8_t*>(roundUp(reinterpret_cast<uint64_t>(storage.bytes.get()), 1024));
    shared = at;
    at += sharedBytes;
    for (uint32_t i = 0; i < warps.size(); ++i) {
        Warp& w = warps[i];
        w.regs = at;
        at += registers;
        w.local = at;
        at += 32 * local;
        w.localStride = local;
        w.block = this;
        w.launch = &launch;
        w.program = &p;
        w.id = i;
        w.shared = shared;
        w.sharedBytes = launch.info.staticSharedBytes + launch.config.dynamicSharedBytes;
        w.params = launch.params.data();
        w.paramBytes = launch.info.parameterBytes;
        w.full = threads - 32ull * i >= 32 ? ~0u : (1u << (threads - 32ull * i)) - 1;
        arenaBounds(launch.memory, w.globalBegin, w.globalEnd);
        std::memcpy(w.regs, p.constants.data(), p.constants.size());
        order.push_back(i);
    }
    if (tally != nullptr) {
        ownObserver = makeObserver(launch, *this, *tally);
        observer = ownObserver.get();
    }
}

Block::~Block() { storages->give(std::move(storage)); }

void Block::start(uint64_t linearIndex) {
    const Dim3& grid = launch->config.grid;
    index = linearIndex;
    id = {static_cast<uint32_t>(index % grid.x), static_cast<uint32_t>(index / grid.x % grid.y), static_cast<uint32_t>(index / grid.x / grid.y)};
    barriers.reset(warps.size());
    exhausted = false;
    for (uint32_t i = 0; i < warps.size(); ++i) startWarp(i);
    const Schedule& schedule = launch->config.schedule;
    std::sort(order.begin(), order.end());
    if (schedule.order == Schedule::Reverse) std::reverse(order.begin(), order.end());
    if (schedule.order == Schedule::Random) random.seed(schedule.seed * 0x9e3779b97f4a7c15ull + index);
    // Shared memory starts with what the last block left on a real device; a pattern makes reliance on it visible.
    std::memset(shared, 0xcb, warps[0].sharedBytes);
    if (observer != nullptr) observer->start(*this);
}

void Block::startWarp(uint32_t i) {
    Warp& w = warps[i];
    const Program& p = *w.program;
    w.exited = ~w.full;
    w.carry = 0;
    w.interrupt = false;
    w.state = WarpState::Ready;
    w.lanes.reset();
    w.strikes = 0;
    w.pendingCopies.clear();
    w.copyGroups.clear();
    w.savedFrames.clear();
    w.stack.clear();
    w.stack.push_back({0, w.full, Instr::END, false, 0, 0});
    for (const Program::UndefinedRow& row : p.undefined) std::memset(w.regs + row.row, 0, row.bytes);
    for (const Program::SpecialRow& s : p.specials) {
        for (uint32_t lane = 0; lane < 32; ++lane) {
            uint32_t value = specialValue(s.special, *launch, *this, i, lane);
            if (s.bytes == 8) w.row<uint64_t>(s.row)[lane] = value;
            else if (s.bytes == 2) w.row<uint16_t>(s.row)[lane] = static_cast<uint16_t>(value);
            else w.row<uint32_t>(s.row)[lane] = value;
        }
    }
}

Dim3 Block::threadId(uint32_t warp, uint32_t lane) const {
    const Dim3& b = launch->config.block;
    uint32_t t = warp * 32 + lane;
    return {t % b.x, t / b.x % b.y, t / b.x / b.y};
}

void Block::shuffle() { std::shuffle(order.begin(), order.end(), random); }

bool Block::run(uint64_t turn) {
    uint64_t used = 0;
    exhausted = false;
    const uint32_t quantum = static_cast<uint32_t>(std::min<uint64_t>(QUANTUM, turn));
    while (used < turn) {
        if (launch->stop.load(std::memory_order_relaxed)) return true;
        if (launch->config.schedule.order == Schedule::Random) shuffle();
        bool progress = false, waiting = false, asleep = true;
        for (uint32_t i : order) {
            Warp& w = warps[i];
            if (w.state == WarpState::Ready) {
                uint64_t before = w.instructions;
                w.slept = false;
                runWarp(w, quantum);
                used += w.instructions - before;
                progress = true;
                asleep = asleep && w.slept;
                if (w.state == WarpState::Done) barriers.threadsExited(*this);
                if (launch->stop.load(std::memory_order_relaxed)) return true;
            } else if (w.state == WarpState::Waiting) {
                waiting = true;
            }
        }
        if (!progress) {
            if (waiting) reportDeadlock();
            if (observer != nullptr) observer->finish(*this);
            return true;
        }
        if (asleep) return false;  // all that could run chose to wait, for another block most likely
    }
    exhausted = true;
    return false;
}

void Block::reportDeadlock() {
    const Warp* first = nullptr;
    for (const Warp& w : warps) {
        if (w.state == WarpState::Waiting && first == nullptr) first = &w;
    }
    uint32_t lanes = first->live();
    std::string message = "deadlock: no thread of the block can continue; " + barriers.describeWaiting(*this);
    launch->report(diagnosticAt(*first, first->barrierPc, lanes != 0 ? firstLane(lanes) : 0, DiagnosticKind::Deadlock, message));
    launch->fail(Status::LaunchFailed, message);
}

}  // namespace vgpu
