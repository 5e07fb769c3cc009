// Data races in global memory, between blocks and within one.
//
// Between blocks the only order is a release observed by an acquire: a fence of gpu scope or wider, then a strong write
// (volatile, relaxed or atomic) to some word; another warp reads that word strongly and then executes a fence. What
// happened before the first fence is ordered before what follows the second. Blocks may run one after the other here:
// an order that only the schedule gives does not count.
#pragma once

#include "check/clocks.hpp"
#include "exec/block.hpp"

#include <map>
#include <memory>
#include <unordered_map>

namespace vgpu {

/// For each block the clocks of its warps up to which something is known.
using Knowledge = std::map<uint64_t, std::vector<uint32_t>>;
void join(Knowledge& into, const Knowledge& from);

/// What a warp has learnt and will publish.
struct WarpKnowledge {
    Knowledge acquired;   // ordered before this warp's next access
    Knowledge pending;    // read from synchronisation variables, not yet behind a fence
    Knowledge release;    // snapshot of the last fence: what a strong write publishes
    std::vector<uint64_t> reading;  // synchronisation variables that the instruction before read
    bool acquiring = false;         // and whether it is an acquire itself
};

class GlobalRaces {
public:
    explicit GlobalRaces(bool threaded) : threaded_(threaded) {}

    /// Small, because there are two for each word of memory. The block is its index; grids beyond 2^32 blocks do not
    /// end in anybody's lifetime here.
    struct Party {
        uint32_t block = 0, clock = 0, pc = 0;
        uint8_t warp = 0, lane = 0;
        bool strong = false;
    };
    struct Race {
        const char* what;
        Party other;
    };
    bool access(const BlockClocks& clocks, const WarpKnowledge& knowledge, const Party& self, uint64_t address, uint32_t bytes, bool write, Race& race);
    void publish(uint64_t address, const Knowledge& knowledge);
    void observe(uint64_t address, Knowledge& into);

private:
    struct Cell {
        Party writer, reader;
        bool written = false, read = false;
        uint8_t writtenBytes = 0, readBytes = 0;
    };
    static constexpr size_t SHARDS = 256, PAGE_WORDS = 256;
    struct Shard {
        std::mutex mutex;
        std::unordered_map<uint64_t, std::unique_ptr<Cell[]>> pages;
        uint64_t lastPage = ~0ull;
        Cell* last = nullptr;
    };
    Cell& cell(Shard& shard, uint64_t word);
    bool check(const BlockClocks& clocks, const WarpKnowledge& knowledge, const Party& self, const Cell& c, uint8_t bytes, bool write, Race& race) const;

    bool threaded_;
    Shard shards_[SHARDS];
    std::mutex variablesMutex_;
    std::unordered_map<uint64_t, Knowledge> variables_;
};

}  // namespace vgpu
