// What watches a block while it runs: the checkers and the counters. The interpreter calls it before each instruction
// takes effect; plain execution has none.
#pragma once

#include "check/lane_addresses.hpp"
#include "exec/block.hpp"

namespace vgpu {

class Observer {
public:
    virtual ~Observer() = default;
    virtual void start(Block& block) = 0;
    virtual void finish(Block& block) = 0;
    /// Before the instruction: active are the lanes that reach it, mask those whose guard holds. Returns the lanes that
    /// may execute it.
    uint32_t before(Warp& warp, const Instr& instr, uint32_t pc, uint32_t active, uint32_t mask) {
        if (costs_ != nullptr) {
            InstructionCost& cost = costs_[pc];
            ++cost.warps;
            cost.threads += population(active);
            cost.executed |= mask != 0;
        }
        // Most instructions are arithmetic on values that are defined: nothing to look at.
        if ((watched_[pc] | tainted_[warp.id]) == 0) return mask;
        return inspect(warp, instr, pc, active, mask);
    }
    virtual void branch(Warp& warp, bool divergent) = 0;
    /// A block barrier has been completed by these lanes of each warp; arrives() has told of each before.
    virtual void barrier(Block& block, uint32_t id, const std::vector<uint32_t>& arrived, const std::vector<uint32_t>& waited) = 0;
    virtual void arrives(Warp& warp, uint32_t id) = 0;
    virtual void divergentBarrier(Warp& warp, uint32_t pc, uint32_t mask) = 0;
    /// Asynchronous copies of the warp take effect.
    virtual void copiesComplete(Warp& warp, const std::vector<AsyncCopy>& copies) = 0;
    /// A call or return has copied a parameter within local memory; from is REGISTER when the value was in a register.
    virtual void parameterCopied(Warp& warp, int lane, uint32_t to, uint32_t from, uint32_t bytes) = 0;
    static constexpr uint32_t REGISTER = UINT32_MAX;

protected:
    virtual uint32_t inspect(Warp& warp, const Instr& instr, uint32_t pc, uint32_t active, uint32_t mask) = 0;

    const uint8_t* watched_ = nullptr;    // by pc: not zero for instructions that inspect() must always see
    std::vector<uint8_t> tainted_;        // by warp: not zero when it must see all, because a register may be undefined
    InstructionCost* costs_ = nullptr;    // by pc; null when nothing is counted
};

}  // namespace vgpu
