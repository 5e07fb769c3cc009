#include "check/lane_addresses.hpp"

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

uint32_t LaneAddresses::distinct(uint32_t mask, uint32_t& many) const {
    uint8_t slots[64];
    std::memset(slots, 255, sizeof slots);
    uint32_t first = 0;
    many = 0;
    eachLane(mask, [&](int i) {
        uint8_t* slot = &slots[at[i] / bytes & 63];
        if (*slot != 255 && at[*slot] == at[i]) {
            many |= 1u << *slot;
            return;
        }
        *slot = static_cast<uint8_t>(i);  // a collision only means that a duplicate is looked at again
        first |= 1u << i;
    });
    return first;
}

LaneAddresses::LaneAddresses(const Warp& w, const Instr& copy, uint32_t mask) : global(mask), bytes(copy.size) {
    const uint64_t* row = w.row<uint64_t>(copy.b);
    for (int i = 0; i < 32; ++i) at[i] = row[i] + static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(copy.e)));
}

}  // namespace vgpu
