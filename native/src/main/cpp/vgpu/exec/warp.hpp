// The state of a running warp and of the block it belongs to. Handlers see nothing else.
#pragma once

#include "exec/program.hpp"

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace vgpu {

struct Block;
struct LaunchContext;
class BlockObserver;

/// One cp.async of one lane that has been issued and not completed.
struct AsyncCopy {
    uint32_t destination;  // offset in shared memory
    const uint8_t* source;
    uint8_t size, copied;  // the rest is filled with zeros
    uint8_t lane;
    uint32_t pc;
};

/// What one cp.async.commit_group made: the lanes that executed it have one group more.
struct CopyGroup {
    uint32_t lanes;
    std::vector<AsyncCopy> copies;
};

/// An entry of the reconvergence stack: lanes that run together from pc until reconverge.
struct StackEntry {
    uint32_t pc, mask, reconverge;
    bool call;        // the body of a function; the entry below it is the caller
    uint32_t saved;   // index in Warp::savedFrames + 1, 0 if the callee's registers were not saved
    uint32_t function;
};

/// Lanes with program counters of their own, used when the stack cannot make progress.
struct LaneMode {
    uint32_t pc[32];
    uint32_t atBarrier = 0;  // lanes that wait at a block barrier
    uint32_t atSync = 0;     // lanes that wait for others of their warp
    uint32_t turn = 0;
    std::vector<uint32_t> calls[32];  // return addresses
    std::vector<uint32_t> callees[32];
};

enum class WarpState : uint8_t { Ready, Waiting, Done };

struct Warp {
    uint8_t* regs = nullptr;
    Block* block = nullptr;
    LaunchContext* launch = nullptr;
    const Program* program = nullptr;

    // What memory handlers need, copied here to be one load away.
    uint64_t globalBegin = 0, globalEnd = 0;
    uint8_t* shared = nullptr;
    uint64_t sharedBytes = 0;
    uint8_t* local = nullptr;  // lane i at local + i * localStride
    uint64_t localStride = 0;
    const uint8_t* params = nullptr;
    uint64_t paramBytes = 0;

    uint32_t full = 0;    // lanes that exist
    uint32_t exited = 0;  // lanes that have exited, and those that do not exist
    uint32_t carry = 0;   // the condition code register's carry flag, by lane
    uint32_t id = 0;
    uint32_t pc = 0;      // of the instruction that runs, for reports
    bool interrupt = false;  // a handler asks the interpreter to stop this warp's turn
    bool slept = false;  // its turn ended with nanosleep
    WarpState state = WarpState::Ready;

    std::vector<StackEntry> stack;
    std::unique_ptr<LaneMode> lanes;
    uint32_t strikes = 0;  // turns that ended in the middle of divergent code
    uint64_t instructions = 0, threadInstructions = 0;
    uint64_t clockReads = 0;

    std::vector<AsyncCopy> pendingCopies;
    std::vector<CopyGroup> copyGroups;
    std::vector<std::vector<uint8_t>> savedFrames;

    // At a block barrier.
    uint32_t barrierPc = 0, barrierMask = 0;

    uint32_t live() const { return full & ~exited; }
    template <class T>
    T* row(uint32_t offset) const {
        return reinterpret_cast<T*>(regs + offset);
    }
};

/// The lowest lane of a mask that is not empty.
inline int firstLane(uint32_t mask) { return __builtin_ctz(mask); }

/// Calls f(lane) for each lane of the mask.
template <class F>
inline __attribute__((always_inline)) void eachLane(uint32_t mask, F f) {
    for (; mask != 0; mask &= mask - 1) f(__builtin_ctz(mask));
}

// Faults, reported by handlers; each ends the launch. Implemented in exec/faults.cpp.
void faultAddress(Warp& warp, int lane, uint64_t address, uint32_t bytes, const char* what);
void faultAlignment(Warp& warp, int lane, uint64_t address, uint32_t bytes);
void faultStop(Warp& warp, int lane, Status status, const std::string& message);

/// Host address of a generic or global device address that is not in the device's own arena (host-registered memory),
/// or null after a fault has been reported.
uint8_t* slowGlobal(Warp& warp, int lane, uint64_t address, uint32_t bytes, const char* what);

}  // namespace vgpu
