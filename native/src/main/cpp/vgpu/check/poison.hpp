// initcheck: which values come from memory, or from a register of the kernel, that nobody has written. Loading such a
// value is no error, using it is: as a branch condition, an address, or in what a kernel stores to global memory. Padded
// rows of a tile that are loaded and never used stay silent.
#pragma once

#include "check/lane_addresses.hpp"
#include "exec/block.hpp"
#include "memory/memory_state.hpp"

#include <array>
#include <vector>

namespace vgpu {

class Poison {
public:
    /// tainted: by warp, set once a register of it may be undefined.
    Poison(const LaunchContext& launch, std::vector<uint8_t>& tainted, uint32_t sharedBytes, uint64_t localBytes);
    void reset();

    /// Lanes whose guard, or whose address, is undefined.
    uint32_t undefinedGuard(const Warp& w, const Instr& instr, uint32_t active) const;
    uint32_t undefinedAddress(const Warp& w, const InstrInfo& info, uint32_t mask) const;
    /// Lanes that store an undefined value to global memory, or apply an atomic to undefined memory.
    uint32_t undefinedStore(Warp& w, const Instr& instr, const InstrInfo& info, const LaneAddresses& at, uint32_t mask, const Runs& runs);
    /// What the instruction does to registers and memory.
    void flow(Warp& w, const Instr& instr, const InstrInfo& info, const LaneAddresses* at, uint32_t mask, const Runs* runs);
    /// from null: a defined value.
    void parameterCopied(const Warp& w, int lane, uint32_t to, const uint32_t* from, uint32_t bytes);
    void copiesComplete(const std::vector<AsyncCopy>& copies);

private:
    uint32_t* rows(const Warp& w) { return rows_.data() + w.id * rowsPerWarp_; }
    const uint32_t* rows(const Warp& w) const { return rows_.data() + w.id * rowsPerWarp_; }
    uint32_t row(const Warp& w, uint32_t offset) const { return rows(w)[offset / 4]; }
    void setRow(Warp& w, uint32_t offset, uint32_t mask, uint32_t bits);
    bool defined(const Warp& w, const LaneAddresses& at, int lane, uint32_t offset, uint32_t bytes) const;
    void define(const Warp& w, const LaneAddresses& at, int lane, uint32_t offset, uint32_t bytes, bool value);
    /// The quick answer for a whole request.
    bool allDefined(const Warp& w, const LaneAddresses& at, uint32_t mask, const Runs& runs) const;
    void load(Warp& w, const Instr& instr, const LaneAddresses& at, uint32_t mask, const Runs& runs);
    void store(Warp& w, const Instr& instr, const InstrInfo& info, const LaneAddresses& at, uint32_t mask, const Runs& runs);
    void matrixLoad(Warp& w, const Instr& instr, const LaneAddresses& at, uint32_t mask, const Runs& runs);
    void matrixRows(Warp& w, const Instr& instr);
    void matrixMultiply(Warp& w, const Instr& instr);
    void generic(Warp& w, const InstrInfo& info, uint32_t mask);
    /// Sets last_ to the allocation that holds the address. False if there is none.
    bool lookUp(uint64_t address) const;
    bool globalDefined(uint64_t address, uint32_t bytes) const;

    Memory::State& memory_;
    mutable uint64_t version_ = 0;
    mutable std::array<std::shared_ptr<AllocationRecord>, 4> recent_;
    mutable unsigned nextRecent_ = 0;
    mutable const AllocationRecord* last_ = nullptr;  // of the last look-up
    const Program& program_;
    size_t rowsPerWarp_;
    uint64_t localBytes_;
    std::vector<uint32_t> rows_;   // undefined lanes, by row offset / 4
    std::vector<uint8_t>& tainted_;
    std::vector<uint8_t> shared_;  // 1: defined, by byte
    std::vector<uint8_t> local_;
};

}  // namespace vgpu
