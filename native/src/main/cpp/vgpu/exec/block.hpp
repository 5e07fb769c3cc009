// A thread block in flight: its warps, shared memory and barriers.
#pragma once

#include "exec/block_storage.hpp"
#include "exec/launch_context.hpp"
#include "exec/warp.hpp"

#include <array>
#include <random>

namespace vgpu {

class Observer;

class BlockBarriers {
public:
    void reset(size_t warps);
    /// Lanes of the warp arrive. Leaves them waiting, or completes the barrier and wakes all who wait.
    void arrive(Block& block, Warp& warp, const Instr& instr, uint32_t pc, uint32_t mask);
    /// Threads have exited: barriers that wait for all threads may be complete now.
    void threadsExited(Block& block);
    std::string describeWaiting(const Block& block) const;

private:
    struct Barrier {
        uint32_t arrived = 0;   // threads
        uint32_t expected = 0;  // 0: all live threads of the block
        bool used = false;
        uint32_t popc = 0;
        bool all = true, any = false;
        std::vector<uint32_t> waiting;   // lanes, by warp
        std::vector<uint32_t> arrivals;  // lanes including those that only arrived, by warp
        std::vector<uint32_t> pcs;
    };
    bool complete(const Block& block, const Barrier& barrier) const;
    void release(Block& block, Barrier& barrier);

    std::array<Barrier, 16> barriers_;
};

struct Tally;

struct Block {
    LaunchContext* launch = nullptr;
    Observer* observer = nullptr;  // null when nothing is checked or counted
    uint64_t index = 0;            // linear
    Dim3 id{0, 0, 0};
    std::vector<Warp> warps;
    BlockStorage storage;          // registers, shared and local memory
    std::shared_ptr<BlockStorages> storages;
    uint8_t* shared = nullptr;
    BlockBarriers barriers;
    std::vector<uint32_t> order;   // in which warps get their turn
    std::mt19937_64 random;
    std::unique_ptr<Observer> ownObserver;
    bool exhausted = false;        // its last turn ended because it was used up

    /// tally: of the host thread that runs it; null when nothing is checked or counted.
    Block(LaunchContext& launch, Tally* tally);
    ~Block();

    void start(uint64_t linearIndex);
    /// Runs until all warps are done (true) or the turn is over (false).
    bool run(uint64_t turn);
    Dim3 threadId(uint32_t warp, uint32_t lane) const;

private:
    void startWarp(uint32_t w);
    void reportDeadlock();
    void shuffle();
};

/// Runs a warp until it waits, is done, or has executed this many instructions.
void runWarp(Warp& warp, uint32_t budget);

// Parts of the interpreter.
void enterLaneMode(Warp& warp);
void runLanes(Warp& warp, uint32_t budget);
/// Performs a call of the lanes of mask at pc; the stack's top entry has been brought up to date. Returns lanes that go
/// elsewhere (an indirect call with several targets) and must execute the call again.
uint32_t enterCall(Warp& warp, const Instr& instr, uint32_t pc, uint32_t mask);
void copyResults(Warp& warp, const CallSite& site, const FunctionCode& callee, uint32_t mask);
void leaveFrame(Warp& warp, const FunctionCode& callee, uint32_t mask);
/// Arguments, frame base and builtins. Null if the call was a builtin and is finished.
const FunctionCode* prepareCall(Warp& warp, const Instr& instr, uint32_t& mask);
void completeCopies(Warp& warp);

}  // namespace vgpu
