// The addresses that the lanes of an instruction touch, each in its own space.
#pragma once

#include "exec/warp.hpp"

namespace vgpu {

enum class Where : uint8_t { Global, Shared, Local, Param };

struct LaneAddresses {
    uint64_t at[32];      // global address, or offset within the space
    uint32_t global = 0, shared = 0, local = 0, param = 0;  // lanes in each space
    uint32_t bytes = 0;

    LaneAddresses(const Warp& w, const Access& access, uint32_t mask);
    /// Of these lanes, the first at each address; many: those whose address another lane has too.
    uint32_t distinct(uint32_t mask, uint32_t& many) const;
    /// The source of a cp.async.
    LaneAddresses(const Warp& w, const Instr& copy, uint32_t mask);
};

}  // namespace vgpu
