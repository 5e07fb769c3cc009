#include "check/shared_races.hpp"

#include <algorithm>

namespace vgpu {

SharedRaces::SharedRaces(const Program& program, uint32_t bytes, size_t warps)
    : granularity_(program.sharedGranularity), warps_(warps), partial_(program.usesPartialBarriers) {
    cells_.resize((bytes + granularity_ - 1) / granularity_ + 16);
    if (partial_) readClocks_.resize(cells_.size() * warps);
}

void SharedRaces::reset() {
    std::fill(cells_.begin(), cells_.end(), Cell());
    std::fill(readClocks_.begin(), readClocks_.end(), 0);
}

bool SharedRaces::check(const BlockClocks& clocks, uint32_t warp, uint32_t lane, size_t index, bool write, bool strong, Race& race) const {
    const Cell& c = cells_[index];
    if (c.inFlight != 0) {
        race = {write ? "write while a cp.async to the same place has not completed" : "read before the cp.async that fills it has completed", c.writeThread, c.writePc};
        return true;
    }
    if (c.writeEpoch == clocks.epoch() && !(strong && c.writeStrong)) {
        uint32_t v = c.writeThread / 32u, other = c.writeThread % 32u;
        bool ordered = v == warp ? clocks.lanesOrdered(warp, lane, other, c.writeSequence) : clocks.ordered(warp, v, c.writeClock);
        // Lanes of one instruction that write one place: which one wins is undefined, but it is not a race.
        if (!ordered) {
            race = {write ? "write after write without a barrier between them" : "read after write without a barrier between them", c.writeThread, c.writePc};
            return true;
        }
    }
    if (!write || c.readEpoch != clocks.epoch() || (strong && c.readStrong)) return false;
    uint32_t others = c.readWarps & ~(1u << (warp & 31));
    if (partial_) {
        for (uint32_t v = 0; v < warps_ && others != 0; ++v) {
            if ((others >> v & 1) && clocks.ordered(warp, v, readClocks_[index * warps_ + v])) others &= ~(1u << v);
        }
    }
    bool race_ = others != 0;
    if (!race_ && c.readThread / 32u == warp) {
        race_ = c.readMany ? !clocks.allLanesOrdered(warp, c.readSequence) : !clocks.lanesOrdered(warp, lane, c.readThread % 32u, c.readSequence);
    }
    if (race_) race = {"write after read without a barrier between them", c.readThread, c.readPc};
    return race_;
}

bool SharedRaces::access(const BlockClocks& clocks, uint32_t warp, uint32_t lane, uint32_t offset, uint32_t bytes, bool write, bool strong,
                         bool many, uint32_t pc, Race& race) {
    bool found = false;
    uint16_t thread = static_cast<uint16_t>(warp * 32 + lane);
    uint32_t epoch = clocks.epoch(), sequence = clocks.sequence(warp);
    for (size_t i = offset / granularity_; i * granularity_ < offset + bytes && i < cells_.size(); ++i) {
        Cell& c = cells_[i];
        bool known = c.readEpoch == epoch && c.readThread == thread && c.readSequence == sequence && c.readMany >= many && !c.readStrong;
        if (!write && !partial_ && known && c.writeEpoch != epoch && c.inFlight == 0) {
            continue;  // nothing new: this thread has read the word since the last barrier
        }
        // The same instruction writes for several lanes: only the first looks back.
        bool own = write && c.writeEpoch == epoch && c.writePc == pc && c.writeThread / 32u == warp && c.writeSequence == sequence;
        bool quiet = !write && c.writeEpoch != epoch && c.inFlight == 0;
        if (!own && !quiet && !found) found = check(clocks, warp, lane, i, write, strong, race);
        if (write) {
            c.writeEpoch = epoch;
            c.writeClock = clocks.clock(warp);
            c.writeSequence = sequence;
            c.writeThread = thread;
            c.writeStrong = strong;
            c.writePc = pc;
        } else {
            bool same = c.readEpoch == epoch;
            c.readMany = many || (same && c.readThread / 32u == warp && c.readSequence == sequence && (c.readMany || c.readThread != thread));
            c.readWarps = (same ? c.readWarps : 0) | 1u << (warp & 31);
            c.readStrong = strong && (!same || c.readStrong);
            c.readEpoch = epoch;
            c.readSequence = sequence;
            c.readThread = thread;
            c.readPc = pc;
            if (partial_) readClocks_[i * warps_ + warp] = clocks.clock(warp);
        }
    }
    return found;
}

void SharedRaces::copyIssued(uint32_t offset, uint32_t bytes, bool begin) {
    for (size_t i = offset / granularity_; i * granularity_ < offset + bytes && i < cells_.size(); ++i) {
        Cell& c = cells_[i];
        c.inFlight = static_cast<uint8_t>(begin ? std::min(255, c.inFlight + 1) : std::max(0, c.inFlight - 1));
    }
}

}  // namespace vgpu
