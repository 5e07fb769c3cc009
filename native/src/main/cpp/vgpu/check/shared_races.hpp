// Data races in shared memory: two accesses to the same bytes by different threads, one of them a write, that no barrier
// orders.
#pragma once

#include "check/clocks.hpp"
#include "exec/block.hpp"

namespace vgpu {

class SharedRaces {
public:
    SharedRaces(const Program& program, uint32_t bytes, size_t warps);
    void reset();

    struct Race {
        const char* what;
        uint32_t otherThread;
        uint32_t otherPc;
    };
    /// Returns true and fills race if the access conflicts. many: a read in which other lanes of the warp join.
    bool access(const BlockClocks& clocks, uint32_t warp, uint32_t lane, uint32_t offset, uint32_t bytes, bool write, bool strong, bool many,
                uint32_t pc, Race& race);
    void copyIssued(uint32_t offset, uint32_t bytes, bool begin);

private:
    struct Cell {
        uint32_t writeEpoch = 0, writeClock = 0, writeSequence = 0, writePc = 0;
        uint32_t readEpoch = 0, readWarps = 0, readSequence = 0, readPc = 0;
        uint16_t writeThread = 0, readThread = 0;
        bool writeStrong = false, readStrong = false, readMany = false;
        uint8_t inFlight = 0;  // asynchronous copies that have not completed
    };
    bool check(const BlockClocks& clocks, uint32_t warp, uint32_t lane, size_t cell, bool write, bool strong, Race& race) const;

    uint32_t granularity_;
    size_t warps_;
    bool partial_;
    std::vector<Cell> cells_;
    std::vector<uint32_t> readClocks_;  // by cell and warp, only for kernels with partial barriers
};

}  // namespace vgpu
