// What Memory holds, for the executor and the checkers.
#pragma once

#include "exec/block_storage.hpp"
#include "machine.hpp"

#include <atomic>
#include <deque>
#include <map>
#include <shared_mutex>

namespace vgpu {

struct RacePages;

/// A record that launches may keep a pointer to: it outlives the allocation for as long as the Memory lives.
struct AllocationRecord {
    Allocation info;
    /// Every byte is initialised: the shadow need not be asked.
    std::atomic<bool> initialised{false};
    uint64_t begin() const { return info.address; }
    uint64_t end() const { return info.address + info.size; }
};

struct Memory::State {
    uint64_t capacity = 0;
    uint64_t begin = 0, end = 0;  // of the reserved addresses
    /// One byte for four of memory: bit i is set when byte i of the word is initialised. Neighbouring words never share
    /// a shadow byte, so host threads that write different words need no lock.
    uint8_t* shadow = nullptr;

    mutable std::shared_mutex mutex;
    std::map<uint64_t, std::shared_ptr<AllocationRecord>> live;         // by address
    std::map<uint64_t, std::shared_ptr<AllocationRecord>> registered;   // host memory
    std::map<uint64_t, std::shared_ptr<AllocationRecord>> quarantined;  // freed, addresses not in use again
    std::deque<uint64_t> quarantineOrder;
    std::map<uint64_t, uint64_t> freeRanges;  // begin to end
    uint64_t used = 0, quarantineBytes = 0, nextSerial = 1;
    /// Changes whenever live or registered does: what a launch has looked up may be stale.
    std::atomic<uint64_t> version{1};
    /// What the race checker of the last launch has left for the next one, null while a launch has it.
    std::shared_ptr<RacePages> racePages;
    const std::shared_ptr<BlockStorages> storages = std::make_shared<BlockStorages>();

    std::shared_ptr<AllocationRecord> lookup(uint64_t address) const;  // caller holds the mutex
    void setShadow(uint64_t address, uint64_t bytes, bool value);
    bool testShadow(uint64_t address, uint64_t bytes) const;
    bool inArena(uint64_t address) const { return address >= begin && address < end; }
    uint64_t span(const AllocationRecord& record) const;
    void release(std::map<uint64_t, std::shared_ptr<AllocationRecord>>::iterator it);
};

}  // namespace vgpu
