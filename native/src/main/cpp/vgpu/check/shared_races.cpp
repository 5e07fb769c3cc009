#include "check/shared_races.hpp"

#include <algorithm>

namespace vgpu {

SharedRaces::SharedRaces(const Program& program, uint32_t bytes, size_t warps) : warps_(warps), partial_(program.usesPartialBarriers), times_(warps) {
    while (2u << shift_ <= program.sharedGranularity) ++shift_;
    size_t cells = (bytes >> shift_) + 16;
    writes_.resize(cells);
    reads_.resize(cells);
    readers_.resize(cells);
    if (program.usesAsyncCopies) inFlight_.resize(cells);
    if (partial_) readClocks_.resize(cells * warps);
    records_.resize(1);
    // Twice what cells can refer to at most, and some: numbering anew costs a pass over the cells.
    limit_ = 4 * cells + 4096;
}

void SharedRaces::reset() {
    epoch_ = 0;
    for (WarpTime& t : times_) t = WarpTime();
    if (std::any_of(inFlight_.begin(), inFlight_.end(), [](uint8_t n) { return n != 0; })) {
        std::fill(inFlight_.begin(), inFlight_.end(), uint8_t(0));
        for (uint32_t& w : writes_) w &= ~IN_FLIGHT;
    }
}

uint32_t SharedRaces::append(const BlockClocks& clocks, uint32_t warp, uint32_t pc) {
    if (records_.size() >= limit_) renumber();
    const uint32_t entry = static_cast<uint32_t>(records_.size()) << NUMBER;
    if (clocks.epoch() != epoch_) {
        epoch_ = clocks.epoch();
        current_ = entry;
    }
    WarpTime& time = times_[warp];
    if (clocks.sequence(warp) != time.sequence) time = {clocks.sequence(warp), entry};
    records_.push_back({warp, clocks.sequence(warp), clocks.clock(warp), pc});
    return entry;
}

// What cells still refer to moves to the front, in order: first what asynchronous copies under way have left in earlier
// epochs, then this epoch's.
void SharedRaces::renumber() {
    std::vector<uint32_t> numbers(records_.size() + 1, 0);
    const uint32_t first = current_ >> NUMBER;
    for (size_t i = 0; i < writes_.size(); ++i) {
        if (writes_[i] >= current_) numbers[(writes_[i] & ~IN_FLIGHT) >> NUMBER] = 1;  // in flight is the largest of all
        else writes_[i] = 0;
        if (reads_[i] >= current_) numbers[reads_[i] >> NUMBER] = 1;
        else reads_[i] = 0;
    }
    uint32_t kept = 1, begin = 1;
    for (size_t i = 1; i < records_.size(); ++i) {
        if (i == first) begin = kept;
        const bool keep = numbers[i] != 0;
        numbers[i] = kept;
        if (keep) records_[kept++] = records_[i];
    }
    if (first >= records_.size()) begin = kept;
    numbers[records_.size()] = kept;
    records_.resize(kept);
    auto move = [&](uint32_t entry) {
        return (entry & IN_FLIGHT) | numbers[(entry & ~IN_FLIGHT) >> NUMBER] << NUMBER | (entry & ((1u << NUMBER) - 1));
    };
    for (size_t i = 0; i < writes_.size(); ++i) {
        if (writes_[i] != 0) writes_[i] = move(writes_[i]);
        if (reads_[i] != 0) reads_[i] = move(reads_[i]);
    }
    current_ = begin << NUMBER;
    for (WarpTime& t : times_) t.since = std::max(current_, move(t.since));
}

bool SharedRaces::check(const BlockClocks& clocks, const Request& q, uint32_t lane, size_t cell, Race& race) const {
    const uint32_t written = writes_[cell], last = reads_[cell];
    if (written & IN_FLIGHT) {
        race = {lane, q.write ? "write while a cp.async to the same place has not completed" : "read before the cp.async that fills it has completed",
                thread(written), record(written).pc};
        return true;
    }
    if (written >= current_ && !(q.strong && (written & STRONG))) {
        const Record& r = record(written);
        bool ordered = r.warp == q.warp ? clocks.lanesOrdered(q.warp, lane, written & LANE, r.sequence) : clocks.ordered(q.warp, r.warp, r.clock);
        // Lanes of one instruction that write one place: which one wins is undefined, but it is not a race.
        if (!ordered) {
            race = {lane, q.write ? "write after write without a barrier between them" : "read after write without a barrier between them", thread(written), r.pc};
            return true;
        }
    }
    if (!q.write || last < current_ || (q.strong && (last & STRONG))) return false;
    uint32_t others = readers_[cell] & ~(1u << (q.warp & 31));
    if (partial_) {
        for (uint32_t v = 0; v < warps_ && others != 0; ++v) {
            if ((others >> v & 1) && clocks.ordered(q.warp, v, readClocks_[cell * warps_ + v])) others &= ~(1u << v);
        }
    }
    bool races = others != 0;
    const Record& r = record(last);
    if (!races && r.warp == q.warp) {
        races = (last & MANY) ? !clocks.allLanesOrdered(q.warp, r.sequence) : !clocks.lanesOrdered(q.warp, lane, last & LANE, r.sequence);
    }
    if (races) race = {lane, "write after read without a barrier between them", thread(last), r.pc};
    return races;
}

void SharedRaces::accessLane(const BlockClocks& clocks, const Request& q, uint32_t lane, uint64_t offset, uint32_t bytes, bool many, uint32_t entry) {
    bool found = false;
    for (size_t i = cellsBegin(offset), end = cellsEnd(offset + bytes); i < end; ++i) {
        const uint32_t written = writes_[i], last = reads_[i];
        // The same instruction writes for several lanes: only the first looks back.
        const Record& r = record(written);
        bool own = q.write && written >= current_ && !(written & IN_FLIGHT) && r.pc == q.pc && r.warp == q.warp && r.sequence == clocks.sequence(q.warp);
        Race race;
        if (!own && !found && check(clocks, q, lane, i, race)) {
            races_.push_back(race);
            found = true;
        }
        if (q.write) {
            writes_[i] = entry | lane | (q.strong ? STRONG : 0) | (written & IN_FLIGHT);
            continue;
        }
        const bool current = last >= current_;
        const Record& before = record(last);
        const bool together = current && before.warp == q.warp && before.sequence == clocks.sequence(q.warp) && ((last & MANY) || (last & LANE) != lane);
        readers_[i] = (current ? readers_[i] : 0) | 1u << (q.warp & 31);
        reads_[i] = entry | lane | (many || together ? MANY : 0) | (q.strong && (!current || (last & STRONG)) ? STRONG : 0);
        if (partial_) readClocks_[i * warps_ + q.warp] = clocks.clock(q.warp);
    }
}

namespace {

using Four = SharedRaces::Four;

inline Four load(const uint32_t* p) {
    Four v;
    std::memcpy(&v, p, sizeof v);
    return v;
}
inline void store(uint32_t* p, Four v) { std::memcpy(p, &v, sizeof v); }
inline bool anyTopBit(Four v) {
    uint64_t halves[2];
    std::memcpy(halves, &v, sizeof v);
    return ((halves[0] | halves[1]) & 0x8000000080000000ull) != 0;
}
/// All ones where v is at least limit: both are below 2^31.
inline Four atLeast(Four v, uint32_t limit) { return v - limit <= 0x7fffffffu; }

}  // namespace

/// Leaves a read in four cells.
inline void SharedRaces::readFour(size_t cell, Four now, uint32_t since, uint32_t reader) {
    const Four last = load(&reads_[cell]);
    const Four joins = (last & MANY) | ((((last ^ now) & LANE) + LANE) & MANY);  // another lane than the last one
    store(&readers_[cell], (load(&readers_[cell]) & atLeast(last, current_)) | reader);
    store(&reads_[cell], now | (atLeast(last, since) & joins));
}

/// A read of cells that nobody has written since the last barrier. False if that is not so.
bool SharedRaces::readRun(const Run& run, uint32_t lanesShift, uint32_t warp, uint32_t entry) {
    const size_t begin = cellsBegin(run.begin), count = cellsEnd(run.end) - begin;
    const uint32_t* writes = &writes_[begin];
    uint32_t *reads = &reads_[begin], *readers = &readers_[begin];
    const uint32_t since = times_[warp].since, bit = 1u << (warp & 31), whole = static_cast<uint32_t>(count & ~size_t(3));
    Four touched{};
    for (uint32_t i = 0; i < whole; i += 4) touched |= load(writes + i) | ~(load(writes + i) - current_);  // in flight, or not before current_
    for (uint32_t i = whole; i < count; ++i) touched[0] |= writes[i] | ~(writes[i] - current_);
    if (anyTopBit(touched)) return false;
    const uint32_t first = entry + run.first;
    if (lanesShift >= 2) {
        for (uint32_t i = 0; i < whole; i += 4) readFour(begin + i, Four{} + (first + (i >> lanesShift)), since, bit);
    } else {
        for (uint32_t i = 0; i < whole; i += 4) readFour(begin + i, first + (Four{i, i + 1, i + 2, i + 3} >> lanesShift), since, bit);
    }
    for (uint32_t i = whole; i < count; ++i) {
        const uint32_t last = reads[i], now = first + (i >> lanesShift);
        const bool joins = last >= since && ((last & MANY) || ((last ^ now) & LANE));
        readers[i] = (last >= current_ ? readers[i] : 0) | bit;
        reads[i] = now | (joins ? MANY : 0);
    }
    return true;
}

/// A write of cells that nobody has touched since the last barrier. False if that is not so.
bool SharedRaces::writeRun(const Run& run, uint32_t lanesShift, uint32_t entry) {
    const size_t begin = cellsBegin(run.begin), count = cellsEnd(run.end) - begin;
    uint32_t* writes = &writes_[begin];
    const uint32_t *reads = &reads_[begin], whole = static_cast<uint32_t>(count & ~size_t(3));
    Four touched{};
    for (uint32_t i = 0; i < whole; i += 4) touched |= load(writes + i) | ~(load(writes + i) - current_) | ~(load(reads + i) - current_);
    for (uint32_t i = whole; i < count; ++i) touched[0] |= writes[i] | ~(writes[i] - current_) | ~(reads[i] - current_);
    if (anyTopBit(touched)) return false;
    const uint32_t first = entry + run.first;
    if (lanesShift >= 2) {
        for (uint32_t i = 0; i < whole; i += 4) store(writes + i, Four{} + (first + (i >> lanesShift)));
        return true;  // a lane has a multiple of four cells
    }
    for (uint32_t i = 0; i < count; ++i) writes[i] = first + (i >> lanesShift);
    return true;
}

const std::vector<SharedRaces::Race>& SharedRaces::access(const BlockClocks& clocks, const Request& q, const LaneAddresses& at, uint32_t mask,
                                                          const Runs& runs) {
    races_.clear();
    const uint32_t entry = append(clocks, q.warp, q.pc), bytes = at.bytes;
    const bool regular = !partial_ && bytes >> shift_ != 0 && runs.aligned();
    const uint32_t lanesShift = regular ? static_cast<uint32_t>(__builtin_ctz(bytes)) - shift_ : 0;  // logarithm of the cells of a lane
    if (q.write) {
        // Of lanes with one address the last stays.
        if (!regular || runs.repeated()) {
            eachLane(mask, [&](int i) { accessLane(clocks, q, static_cast<uint32_t>(i), at.at[i], bytes, false, entry); });
            return races_;
        }
    }
    // Rows of matrices: every lane for itself, four cells each.
    const bool quads = regular && !q.write && !q.strong && lanesShift == 2;
    const uint32_t since = times_[q.warp].since;
    for (const Run r : runs) {
        if (quads && r.end - r.begin == bytes) {
            const size_t i = cellsBegin(r.begin);
            const Four written = load(&writes_[i]);
            if (!anyTopBit(written | ~(written - current_))) {
                readFour(i, Four{} + (entry | (r.many ? MANY : 0) | r.first), since, 1u << (q.warp & 31));
                continue;
            }
        }
        if (regular && (q.write ? writeRun(r, lanesShift, entry | (q.strong ? STRONG : 0)) : !q.strong && readRun(r, lanesShift, q.warp, entry | (r.many ? MANY : 0)))) continue;
        uint32_t lane = r.first;
        for (uint64_t a = r.begin; a < r.end; a += bytes) accessLane(clocks, q, lane++, a, bytes, r.many, entry);
    }
    return races_;
}

void SharedRaces::copiesIssued(const Runs& runs) {
    for (const Run r : runs) {
        size_t i = cellsBegin(r.begin);
        const size_t end = cellsEnd(r.end);
        for (uint32_t counts; i + 4 <= end && (std::memcpy(&counts, &inFlight_[i], 4), counts == 0); i += 4) {
            std::memset(&inFlight_[i], 1, 4);
            store(&writes_[i], load(&writes_[i]) | IN_FLIGHT);
        }
        for (; i < end; ++i) {
            if (inFlight_[i] != 255) ++inFlight_[i];
            writes_[i] |= IN_FLIGHT;
        }
    }
}

void SharedRaces::copiesComplete(const BlockClocks& clocks, uint32_t warp, const std::vector<AsyncCopy>& copies) {
    uint32_t pc = 0, entry = 0;
    for (const AsyncCopy& c : copies) {
        if (entry == 0 || c.pc != pc) {
            pc = c.pc;
            entry = append(clocks, warp, pc);
        }
        size_t i = cellsBegin(c.destination);
        const size_t end = cellsEnd(c.destination + c.size);
        const uint32_t now = entry | c.lane;
        // Most often nobody else has a copy on its way to the same place.
        uint32_t counts;
        if (end - i == 4 && (std::memcpy(&counts, &inFlight_[i], 4), counts == 0x01010101u)) {
            std::memset(&inFlight_[i], 0, 4);
            store(&writes_[i], Four{} + now);
            continue;
        }
        for (; i < end; ++i) {
            if (inFlight_[i] != 0) --inFlight_[i];
            writes_[i] = now | (inFlight_[i] != 0 ? IN_FLIGHT : 0);
        }
    }
}

}  // namespace vgpu
