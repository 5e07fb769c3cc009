#include "check/lane_addresses.hpp"

#include "exec/isa.hpp"

#include <algorithm>

namespace vgpu {

LaneAddresses::LaneAddresses(const Warp& w, const Access& a, uint32_t mask) : bytes(a.bytes) {
    if (a.wideAddress) {
        const uint64_t* row = w.row<uint64_t>(a.address);
        for (int i = 0; i < 32; ++i) at[i] = row[i] + static_cast<uint64_t>(a.offset);
    } else {
        const uint32_t* row = w.row<uint32_t>(a.address);
        for (int i = 0; i < 32; ++i) at[i] = static_cast<uint32_t>(row[i] + static_cast<uint32_t>(a.offset));
    }
    switch (a.space) {
        case ptx::Space::Global:
        case ptx::Space::Const: global = mask; return;
        case ptx::Space::Shared: shared = mask; return;
        case ptx::Space::Local: local = mask; return;
        case ptx::Space::Param: param = mask; return;
        default: break;
    }
    eachLane(mask, [&](int i) {
        uint64_t window = at[i] >> 56;
        uint32_t& set = window == 1 ? shared : window == 2 ? local : window == 3 ? param : global;
        if (window >= 1 && window <= 3) at[i] &= (1ull << 56) - 1;
        set |= 1u << i;
    });
}

LaneAddresses::LaneAddresses(const Warp& w, const Instr& copy, uint32_t mask) : global(mask), bytes(copy.size) {
    const uint64_t* row = w.row<uint64_t>(copy.b);
    for (int i = 0; i < 32; ++i) at[i] = row[i] + static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(copy.e)));
}

namespace {

bool before(uint64_t a, uint64_t b) { return static_cast<int64_t>(a) < static_cast<int64_t>(b); }

}  // namespace

/// Whether the lanes stand to each other as they did; then these are the runs of their addresses.
bool Runs::follows(const LaneAddresses& at, uint32_t mask) {
    if (mask != mask_ || at.bytes != bytes_) return false;
    const uint64_t base = at.at[firstLane(mask)];
    uint64_t difference = 0;
    if (mask == ~0u) {
        for (int i = 0; i < 32; ++i) difference |= (at.at[i] - base) ^ offsets_[i];
    } else {
        eachLane(mask, [&](int i) { difference |= (at.at[i] - base) ^ offsets_[i]; });
    }
    if (difference != 0) return false;
    base_ = base;
    return true;
}

void Runs::find(const LaneAddresses& at, uint32_t mask) {
    mask_ = mask;
    bytes_ = at.bytes;
    size_ = 0;
    low_ = 0;
    ascending_ = true;
    repeated_ = counted_ = false;
    base_ = mask == 0 ? 0 : at.at[firstLane(mask)];
    for (int i = 0; i < 32; ++i) offsets_[i] = (mask >> i & 1) ? at.at[i] - base_ : 0;
    uint32_t same, next;
    isa().neighbours(offsets_, bytes_, same, next);
    // Of lanes that follow each other in the mask only; what lies between idle lanes starts anew.
    same &= mask & mask << 1;
    next &= mask & mask << 1;
    breaks_ = mask & ~(same | next);
    const uint32_t leaders = mask & ~same, many = leaders & same >> 1;
    const uint32_t joined = next & leaders << 1 & ~(many | many << 1);
    // Offsets are signed: a lane may lie before the first one.
    int64_t end = INT64_MIN;
    for (uint32_t starts = leaders & ~joined; starts != 0; starts &= starts - 1) {
        const uint32_t first = static_cast<uint32_t>(__builtin_ctz(starts));
        const uint32_t after = joined >> first >> 1;  // ones for the lanes that belong to this run
        const uint32_t count = 1 + static_cast<uint32_t>(__builtin_ctz(~after));
        const uint64_t begin = offsets_[first], behind = begin + static_cast<uint64_t>(count) * bytes_;
        ascending_ = ascending_ && static_cast<int64_t>(begin) >= end;
        end = static_cast<int64_t>(behind);
        low_ |= begin;
        runs_[size_++] = {begin, behind, static_cast<uint8_t>(first), (many >> first & 1) != 0};
    }
    repeated_ = same != 0;
    if (ascending_) return;
    if (size_ > 4) {
        if (repeated_ || !apart()) everyAddress(mask);
        return;
    }
    // The usual reason is that groups of lanes have the same addresses.
    uint32_t kept = 1;
    for (uint32_t i = 1; i < size_; ++i) {
        bool again = false;
        for (uint32_t j = 0; j < kept && !again; ++j) {
            if (runs_[i].begin == runs_[j].begin && runs_[i].end == runs_[j].end) {
                runs_[j].many = repeated_ = again = true;
            } else if (before(runs_[i].begin, runs_[j].end) && before(runs_[j].begin, runs_[i].end)) {
                everyAddress(mask);
                return;
            }
        }
        if (!again) runs_[kept++] = runs_[i];
    }
    size_ = kept;
    ascending_ = true;
    for (uint32_t i = 1; i < size_; ++i) ascending_ = ascending_ && !before(runs_[i].begin, runs_[i - 1].end);
}

/// No byte belongs to two runs; may say no when it cannot tell quickly.
bool Runs::apart() const {
    int64_t low = INT64_MAX;
    for (uint32_t i = 0; i < size_; ++i) low = std::min(low, static_cast<int64_t>(runs_[i].begin));
    // Tiles are read within a few hundred units of an access: a bit for each.
    constexpr uint64_t WORDS = 16;
    uint64_t seen[WORDS] = {};
    const int shift = __builtin_ctz(bytes_);
    if ((low_ & (bytes_ - 1)) != 0) return false;
    for (uint32_t i = 0; i < size_; ++i) {
        const Run& r = runs_[i];
        const uint64_t unit = (r.begin - static_cast<uint64_t>(low)) >> shift, count = (r.end - r.begin) >> shift, bit = unit & 63;
        if (unit >> 6 >= WORDS || bit + count > 64) return false;
        const uint64_t units = (count == 64 ? ~0ull : (1ull << count) - 1) << bit;
        if (seen[unit >> 6] & units) return false;
        seen[unit >> 6] |= units;
    }
    return true;
}

void Runs::everyAddress(uint32_t mask) {
    size_ = 0;
    ascending_ = true;
    uint8_t slots[64];  // of a lane, the index of its run by a hash of the address
    std::memset(slots, 255, sizeof slots);
    int64_t end = INT64_MIN;
    const int shift = __builtin_ctz(bytes_);
    eachLane(mask, [&](int i) {
        const uint64_t a = offsets_[i];
        uint32_t slot = static_cast<uint32_t>(a >> shift & 63);
        while (slots[slot] != 255 && runs_[slots[slot]].begin != a) slot = (slot + 1) & 63;
        if (slots[slot] != 255) {
            runs_[slots[slot]].many = repeated_ = true;
            return;
        }
        slots[slot] = static_cast<uint8_t>(size_);
        ascending_ = ascending_ && static_cast<int64_t>(a) >= end;
        end = static_cast<int64_t>(a + bytes_);
        runs_[size_++] = {a, a + bytes_, static_cast<uint8_t>(i), false};
    });
}

uint64_t Runs::totalBytes() const {
    uint64_t total = 0;
    for (uint32_t i = 0; i < size_; ++i) total += runs_[i].end - runs_[i].begin;
    return total;
}

}  // namespace vgpu
