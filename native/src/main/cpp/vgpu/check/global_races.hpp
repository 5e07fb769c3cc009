// Data races in global memory, between blocks and within one.
//
// Between blocks the only order is a release observed by an acquire: a fence of gpu scope or wider, then a strong write
// (volatile, relaxed or atomic) to some word; another warp reads that word strongly and then executes a fence. What
// happened before the first fence is ordered before what follows the second. Blocks may run one after the other here:
// an order that only the schedule gives does not count.
#pragma once

#include "check/clocks.hpp"
#include "check/lane_addresses.hpp"
#include "exec/block.hpp"
#include "memory/memory_state.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
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

/// Who has last read or written a word: 16 bytes, because there are two for each word. The block is its index; grids
/// beyond 2^32 blocks do not end in anybody's lifetime here.
struct Party {
    uint32_t block, clock, pc;
    uint8_t warp, lane;
    uint8_t strong;
    uint8_t bytes;  // of the word that were accessed, as a mask; 0: nobody
};

/// The parties of a page of memory, for accesses of one kind in the launch that has last made one. A launch clears what
/// it touches first, so nothing needs to be cleared or given back between launches. While every access was of aligned
/// units of 16 bytes by one thread, there is one party for a unit, densely at the front.
struct PageParties {
    static constexpr uint64_t WORDS = 1024, UNIT = 4;
    uint64_t launch = 0;
    bool units = true;
    Party words[WORDS];

    bool empty(uint64_t now) const { return launch != now; }
    const Party& at(uint64_t word) const { return words[units ? word / UNIT : word]; }
    /// Makes room for the accesses of this launch; in units if that is what the access has.
    void open(uint64_t now, bool wantsUnits);
};

struct RacePage {
    static constexpr uint64_t BYTES = 4 * PageParties::WORDS;
    std::atomic_flag busy = ATOMIC_FLAG_INIT;
    PageParties readers, writers;
    /// The last readers of other blocks than the last readers, where there are any: a block that reads what it then
    /// writes must not hide another that has read it.
    std::unique_ptr<PageParties> elsewhere;
};

/// The pages of one launch at a time; the Memory keeps them for the next.
struct RacePages {
    std::mutex mutex;
    uint64_t launch = 0;
    std::unordered_map<uint64_t, std::unique_ptr<RacePage>> pages;  // by address / BYTES
};

class GlobalRaces {
public:
    GlobalRaces(Memory::State& memory, bool threaded);
    ~GlobalRaces();
    GlobalRaces(const GlobalRaces&) = delete;
    GlobalRaces& operator=(const GlobalRaces&) = delete;

    struct Race {
        const char* what;
        Party other;
    };
    struct LaneRace : Race {
        int lane;
    };
    /// The pages that a block has used last.
    class Recent {
        friend class GlobalRaces;
        static constexpr uint64_t SIZE = 64;
        uint64_t numbers_[SIZE];
        RacePage* pages_[SIZE] = {};
    };
    /// Records a request; self.lane and self.bytes are free. Adds at most one race for each lane.
    void access(const BlockClocks& clocks, const WarpKnowledge& knowledge, Party self, const LaneAddresses& at, uint32_t mask, const Runs& runs, bool write,
                Recent& recent, std::vector<LaneRace>& races);
    void publish(uint64_t address, const Knowledge& knowledge);
    void observe(uint64_t address, Knowledge& into);

private:
    struct Access;
    RacePage& page(uint64_t number, Recent& recent);
    void words(const Access& access, uint64_t begin, uint64_t end, uint32_t firstLane);
    void lane(const Access& access, uint64_t address, uint32_t lane);
    void keepElsewhere(const Access& access, RacePage& page, uint64_t word);

    Memory::State& memory_;
    const bool threaded_;
    std::shared_ptr<RacePages> pages_;
    uint64_t launch_;
    std::mutex variablesMutex_;
    std::unordered_map<uint64_t, Knowledge> variables_;
};

}  // namespace vgpu
