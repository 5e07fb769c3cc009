// cp.async: copies from global to shared memory that bypass registers (PTX ISA, "cp.async", sm_80 and above).
//
// A copy whose `valid` is false writes zeros and reads nothing; its source pointer need not be legal. Copies are visible
// to the thread that issued them after cpAsyncWait, to others after a barrier behind it.
#pragma once

#include "common/types.hpp"

namespace d4j {

/// Shared-memory address (a 32-bit offset in its window) of a generic pointer.
D4J_DEVICE uint32_t sharedAddress(const void* pointer) {
    return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}

/// 16 bytes past L1 (.cg). The L2 fetches 128 bytes: neighbouring chunks of a row are asked for next.
D4J_DEVICE void cpAsync16(uint32_t shared, const void* global) {
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" ::"r"(shared), "l"(global) : "memory");
}

D4J_DEVICE void cpAsync16(uint32_t shared, const void* global, bool valid) {
    asm volatile(
        "{\n"
        "  .reg .pred ignore;\n"
        "  setp.eq.u32 ignore, %2, 0;\n"
        "  cp.async.cg.shared.global.L2::128B [%0], [%1], 16, ignore;\n"
        "}" ::"r"(shared),
        "l"(global), "r"(static_cast<uint32_t>(valid))
        : "memory");
}

/// The same by those threads alone for which `wanted` is true, without a branch.
D4J_DEVICE void cpAsync16(uint32_t shared, const void* global, bool valid, bool wanted) {
    asm volatile(
        "{\n"
        "  .reg .pred ignore, copies;\n"
        "  setp.eq.u32 ignore, %2, 0;\n"
        "  setp.ne.u32 copies, %3, 0;\n"
        "  @copies cp.async.cg.shared.global.L2::128B [%0], [%1], 16, ignore;\n"
        "}" ::"r"(shared),
        "l"(global), "r"(static_cast<uint32_t>(valid)), "r"(static_cast<uint32_t>(wanted))
        : "memory");
}

/// Closes the group of the copies that this thread issued since the last commit. A group may be empty.
D4J_DEVICE void cpAsyncCommit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

/// Waits until at most PENDING of this thread's newest groups are still under way.
template <int PENDING>
D4J_DEVICE void cpAsyncWait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
}

}  // namespace d4j
