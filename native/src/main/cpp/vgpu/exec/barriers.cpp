// Block-wide barriers: bar and barrier, named, counted, with arrival and reduction.
#include "check/observer.hpp"
#include "exec/block.hpp"

#include <algorithm>

namespace vgpu {

void BlockBarriers::reset(size_t warps) {
    for (Barrier& b : barriers_) {
        b = Barrier();
        b.waiting.assign(warps, 0);
        b.arrivals.assign(warps, 0);
        b.pcs.assign(warps, 0);
    }
}

void BlockBarriers::arrive(Block& block, Warp& w, const Instr& instr, uint32_t pc, uint32_t mask) {
    const BarrierSite& site = w.program->barriers[static_cast<size_t>(instr.imm)];
    int lane = firstLane(mask);
    uint32_t id = w.row<uint32_t>(site.id)[lane];
    if (id > 15) {
        faultStop(w, lane, Status::IllegalInstruction, "barrier " + std::to_string(id) + " does not exist: a block has barriers 0 to 15");
        return;
    }
    Barrier& b = barriers_[id];
    uint32_t expected = site.hasCount ? w.row<uint32_t>(site.count)[lane] : 0;
    if (site.hasCount && (expected == 0 || expected % 32 != 0)) {
        faultStop(w, lane, Status::IllegalInstruction, "thread count " + std::to_string(expected) + " of a barrier is not a positive multiple of 32");
        return;
    }
    if (b.used && b.expected != expected) {
        faultStop(w, lane, Status::IllegalInstruction, "threads disagree about the thread count of barrier " + std::to_string(id));
        return;
    }
    b.used = true;
    if (block.observer != nullptr) block.observer->arrives(w, id);
    b.expected = expected;
    // A counted barrier counts whole warps, also the last one of a block whose size is not a multiple of 32.
    b.arrived += expected != 0 && site.aligned ? 32 : static_cast<uint32_t>(__builtin_popcount(mask));
    b.arrivals[w.id] |= mask;
    if (site.kind == BarrierSite::Reduce) {
        uint32_t p = *w.row<uint32_t>(site.predicate) ^ (site.negatePredicate ? ~0u : 0);
        b.popc += static_cast<uint32_t>(__builtin_popcount(p & mask));
        b.all = b.all && (p & mask) == mask;
        b.any = b.any || (p & mask) != 0;
    }
    if (site.kind != BarrierSite::Arrive) {
        b.waiting[w.id] |= mask;
        b.pcs[w.id] = pc;
        w.barrierPc = pc;
        w.state = WarpState::Waiting;
    }
    if (complete(block, b)) release(block, b);
}

bool BlockBarriers::complete(const Block& block, const Barrier& b) const {
    if (!b.used) return false;
    if (b.expected != 0) return b.arrived >= b.expected;
    for (const Warp& w : block.warps) {
        if (w.live() & ~b.arrivals[w.id]) return false;
    }
    return true;
}

void BlockBarriers::release(Block& block, Barrier& b) {
    if (block.observer != nullptr) block.observer->barrier(block, static_cast<uint32_t>(&b - barriers_.data()), b.arrivals, b.waiting);
    for (Warp& w : block.warps) {
        uint32_t lanes = b.waiting[w.id];
        if (lanes == 0) continue;
        const Instr& instr = w.program->code[b.pcs[w.id]];
        const BarrierSite& site = w.program->barriers[static_cast<size_t>(instr.imm)];
        if (site.kind == BarrierSite::Reduce) {
            if (site.reduction == BarrierSite::Popc) {
                eachLane(lanes, [&](int i) { w.row<uint32_t>(instr.d)[i] = b.popc; });
            } else {
                uint32_t& d = *w.row<uint32_t>(instr.d);
                bool value = site.reduction == BarrierSite::And ? b.all : b.any;
                d = (d & ~lanes) | (value ? lanes : 0);
            }
        }
        if (w.lanes) w.lanes->atBarrier &= ~lanes;
        w.state = WarpState::Ready;
    }
    size_t warps = b.waiting.size();
    b = Barrier();
    b.waiting.assign(warps, 0);
    b.arrivals.assign(warps, 0);
    b.pcs.assign(warps, 0);
}

void BlockBarriers::threadsExited(Block& block) {
    for (Barrier& b : barriers_) {
        bool someoneWaits = std::any_of(b.waiting.begin(), b.waiting.end(), [](uint32_t lanes) { return lanes != 0; });
        if (b.used && b.expected == 0 && someoneWaits && complete(block, b)) release(block, b);
    }
}

std::string BlockBarriers::describeWaiting(const Block& block) const {
    std::string text;
    for (size_t id = 0; id < barriers_.size(); ++id) {
        const Barrier& b = barriers_[id];
        if (!b.used) continue;
        uint32_t threads = 0;
        for (uint32_t lanes : b.waiting) threads += static_cast<uint32_t>(__builtin_popcount(lanes));
        uint32_t expected = b.expected;
        if (expected == 0) {
            for (const Warp& w : block.warps) expected += static_cast<uint32_t>(__builtin_popcount(w.live()));
        }
        if (!text.empty()) text += "; ";
        text += std::to_string(threads) + " threads wait at barrier " + std::to_string(id) + ", which " + std::to_string(b.arrived) + " of " +
                std::to_string(expected) + " threads have reached";
    }
    return text.empty() ? "threads of a warp wait for others of their warp that never arrive" : text;
}

}  // namespace vgpu
