// Data races in shared memory: two accesses to the same bytes by different threads, one of them a write, that no barrier
// orders.
//
// Every request gets a record, numbered in order, and a cell of memory holds the numbers of the last write and the last
// read with the lane that did it. All records since the last barrier of the whole block come after number `current_`, so
// for most requests one comparison a cell says that nothing happened since then, and what it leaves is the same number
// everywhere: both are loops over words without branches. Only cells that somebody has touched since are looked at one
// by one.
#pragma once

#include "check/clocks.hpp"
#include "check/lane_addresses.hpp"
#include "exec/block.hpp"

#include <algorithm>

namespace vgpu {

class SharedRaces {
public:
    typedef uint32_t Four __attribute__((vector_size(16)));  // four cells at a time

    SharedRaces(const Program& program, uint32_t bytes, size_t warps);
    /// Another block starts.
    void reset();

    struct Race {
        uint32_t lane;
        const char* what;
        uint32_t otherThread;
        uint32_t otherPc;
    };
    struct Request {
        uint32_t warp, pc;
        bool write, strong;
    };
    /// Records the request; the races are valid until the next call, at most one for each lane.
    const std::vector<Race>& access(const BlockClocks& clocks, const Request& request, const LaneAddresses& at, uint32_t mask, const Runs& runs);
    void copiesIssued(const Runs& runs);
    void copiesComplete(const BlockClocks& clocks, uint32_t warp, const std::vector<AsyncCopy>& copies);

private:
    // What a cell holds of an access: the number of its record, and
    static constexpr uint32_t LANE = 31, MANY = 32, STRONG = 64;
    static constexpr uint32_t NUMBER = 7;                // bits below the number
    static constexpr uint32_t IN_FLIGHT = 1u << 31;      // of a write: asynchronous copies to here have not completed
    struct Record {
        uint32_t warp, sequence, clock, pc;
    };
    const Record& record(uint32_t entry) const { return records_[(entry & ~IN_FLIGHT) >> NUMBER]; }
    uint32_t thread(uint32_t entry) const { return record(entry).warp * 32 + (entry & LANE); }
    /// A record for what the warp does now, as the upper bits of an entry.
    uint32_t append(const BlockClocks& clocks, uint32_t warp, uint32_t pc);
    void renumber();

    void readFour(size_t cell, Four now, uint32_t since, uint32_t reader);
    bool readRun(const Run& run, uint32_t lanesShift, uint32_t warp, uint32_t entry);
    bool writeRun(const Run& run, uint32_t lanesShift, uint32_t entry);
    void accessLane(const BlockClocks& clocks, const Request& request, uint32_t lane, uint64_t offset, uint32_t bytes, bool many, uint32_t entry);
    bool check(const BlockClocks& clocks, const Request& request, uint32_t lane, size_t cell, Race& race) const;
    size_t cellsBegin(uint64_t offset) const { return offset >> shift_; }
    size_t cellsEnd(uint64_t end) const { return std::min<size_t>((end + (1u << shift_) - 1) >> shift_, writes_.size()); }

    uint32_t shift_ = 0;  // logarithm of the bytes of a cell
    size_t warps_;
    bool partial_;  // barriers of part of the block: order is looked up by warp
    std::vector<Record> records_;
    size_t limit_;          // of records: beyond it they are numbered anew
    uint32_t epoch_ = 0;
    uint32_t current_ = 0;  // entries from here on are of this epoch
    std::vector<uint32_t> writes_, reads_, readers_;  // by cell; readers: warps that have read in this epoch
    std::vector<uint8_t> inFlight_;
    struct WarpTime {
        uint32_t sequence = 0, since = 0;  // entries from `since` on come after the warp's last barrier
    };
    std::vector<WarpTime> times_;
    std::vector<uint32_t> readClocks_;  // by cell and warp, only for kernels with partial barriers
    std::vector<Race> races_;
};

}  // namespace vgpu
