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

Runs::Runs(const LaneAddresses& at, uint32_t mask) : bytes_(at.bytes) {
    uint32_t same, next;
    isa().neighbours(at.at, bytes_, same, next);
    // Of lanes that follow each other in the mask only; what lies between idle lanes starts anew.
    same &= mask & mask << 1;
    next &= mask & mask << 1;
    breaks_ = mask & ~(same | next);
    const uint32_t leaders = mask & ~same, many = leaders & same >> 1;
    const uint32_t joined = next & leaders << 1 & ~(many | many << 1);
    uint64_t end = 0, low = 0;
    for (uint32_t starts = leaders & ~joined; starts != 0; starts &= starts - 1) {
        const uint32_t first = static_cast<uint32_t>(__builtin_ctz(starts));
        const uint32_t after = joined >> first >> 1;  // ones for the lanes that belong to this run
        const uint32_t count = 1 + static_cast<uint32_t>(__builtin_ctz(~after));
        const uint64_t begin = at.at[first];
        ascending_ = ascending_ && begin >= end;
        end = begin + static_cast<uint64_t>(count) * bytes_;
        low |= begin;
        runs_[size_++] = {begin, end, static_cast<uint8_t>(first), (many >> first & 1) != 0};
    }
    repeated_ = same != 0;
    aligned_ = (low & (bytes_ - 1)) == 0;
    if (ascending_) return;
    if (size_ > 4) {
        if (repeated_ || !apart()) everyAddress(at, mask);
        return;
    }
    // The usual reason is that groups of lanes have the same addresses.
    uint32_t kept = 1;
    for (uint32_t i = 1; i < size_; ++i) {
        bool again = false;
        for (uint32_t j = 0; j < kept && !again; ++j) {
            if (runs_[i].begin == runs_[j].begin && runs_[i].end == runs_[j].end) {
                runs_[j].many = repeated_ = again = true;
            } else if (runs_[i].begin < runs_[j].end && runs_[j].begin < runs_[i].end) {
                everyAddress(at, mask);
                return;
            }
        }
        if (!again) runs_[kept++] = runs_[i];
    }
    size_ = kept;
    ascending_ = true;
    for (uint32_t i = 1; i < size_; ++i) ascending_ = ascending_ && runs_[i].begin >= runs_[i - 1].end;
}

/// No byte belongs to two runs; may say no when it cannot tell quickly.
bool Runs::apart() const {
    uint64_t low = ~0ull;
    for (const Run& r : *this) low = std::min(low, r.begin);
    // Tiles are read within a few hundred units of an access: a bit for each.
    constexpr uint64_t WORDS = 16;
    uint64_t seen[WORDS] = {};
    const int shift = __builtin_ctz(bytes_);
    if (!aligned_) return false;
    for (const Run& r : *this) {
        const uint64_t unit = (r.begin - low) >> shift, count = (r.end - r.begin) >> shift, bit = unit & 63;
        if (unit >> 6 >= WORDS || bit + count > 64) return false;
        const uint64_t units = (count == 64 ? ~0ull : (1ull << count) - 1) << bit;
        if (seen[unit >> 6] & units) return false;
        seen[unit >> 6] |= units;
    }
    return true;
}

void Runs::everyAddress(const LaneAddresses& at, uint32_t mask) {
    size_ = 0;
    ascending_ = true;
    uint8_t slots[64];  // of a lane, the index of its run by a hash of the address
    std::memset(slots, 255, sizeof slots);
    uint64_t end = 0;
    const int shift = __builtin_ctz(bytes_);
    eachLane(mask, [&](int i) {
        const uint64_t a = at.at[i];
        uint32_t slot = static_cast<uint32_t>(a >> shift & 63);
        while (slots[slot] != 255 && runs_[slots[slot]].begin != a) slot = (slot + 1) & 63;
        if (slots[slot] != 255) {
            runs_[slots[slot]].many = repeated_ = true;
            return;
        }
        slots[slot] = static_cast<uint8_t>(size_);
        ascending_ = ascending_ && a >= end;
        end = a + bytes_;
        runs_[size_++] = {a, end, static_cast<uint8_t>(i), false};
    });
}

uint64_t Runs::totalBytes() const {
    uint64_t total = 0;
    for (const Run& r : *this) total += r.end - r.begin;
    return total;
}

}  // namespace vgpu
