#include "check/global_races.hpp"

#include <algorithm>

namespace vgpu {

void join(Knowledge& into, const Knowledge& from) {
    for (const auto& [block, clocks] : from) {
        auto& mine = into[block];
        if (mine.size() < clocks.size()) mine.resize(clocks.size(), 0);
        for (size_t i = 0; i < clocks.size(); ++i) mine[i] = std::max(mine[i], clocks[i]);
    }
}

GlobalRaces::Cell& GlobalRaces::cell(Shard& shard, uint64_t word) {
    uint64_t page = word / PAGE_WORDS;
    if (page != shard.lastPage) {
        auto& cells = shard.pages[page];
        if (cells == nullptr) cells = std::make_unique<Cell[]>(PAGE_WORDS);
        shard.lastPage = page;
        shard.last = cells.get();
    }
    return shard.last[word % PAGE_WORDS];
}

bool GlobalRaces::check(const BlockClocks& clocks, const WarpKnowledge& knowledge, const Party& self, const Cell& c, uint8_t bytes, bool write,
                        Race& race) const {
    auto ordered = [&](const Party& other) {
        if (other.block == self.block) return other.warp == self.warp || clocks.ordered(self.warp, other.warp, other.clock);
        auto it = knowledge.acquired.find(other.block);
        return it != knowledge.acquired.end() && other.warp < it->second.size() && it->second[other.warp] >= other.clock;
    };
    if (c.written && (c.writtenBytes & bytes) && !(self.strong && c.writer.strong) && !ordered(c.writer)) {
        race = {write ? "write after write that nothing orders" : "read after write that nothing orders", c.writer};
        return true;
    }
    if (write && c.read && (c.readBytes & bytes) && !(self.strong && c.reader.strong) && !ordered(c.reader)) {
        race = {"write after read that nothing orders", c.reader};
        return true;
    }
    return false;
}

bool GlobalRaces::access(const BlockClocks& clocks, const WarpKnowledge& knowledge, const Party& self, uint64_t address, uint32_t bytes, bool write, Race& race) {
    bool found = false;
    for (uint64_t at = address; at < address + bytes;) {
        uint64_t word = at / 4;
        uint32_t first = at % 4, count = static_cast<uint32_t>(std::min<uint64_t>(4 - first, address + bytes - at));
        uint8_t covered = static_cast<uint8_t>(((1u << count) - 1) << first);
        Shard& shard = shards_[word / PAGE_WORDS % SHARDS];
        std::unique_lock<std::mutex> lock(shard.mutex, std::defer_lock);
        if (threaded_) lock.lock();
        Cell& c = cell(shard, word);
        if (!found) found = check(clocks, knowledge, self, c, covered, write, race);
        if (write) {
            bool mine = c.written && c.writer.block == self.block && c.writer.warp == self.warp && c.writer.clock == self.clock;
            c.writtenBytes = static_cast<uint8_t>(mine ? c.writtenBytes | covered : covered);
            c.writer = self;
            c.written = true;
        } else {
            bool mine = c.read && c.reader.block == self.block && c.reader.warp == self.warp && c.reader.clock == self.clock;
            c.readBytes = static_cast<uint8_t>(mine ? c.readBytes | covered : covered);
            c.reader = self;
            c.read = true;
        }
        at += count;
    }
    return found;
}

void GlobalRaces::publish(uint64_t address, const Knowledge& knowledge) {
    if (knowledge.empty()) return;
    std::lock_guard<std::mutex> lock(variablesMutex_);
    join(variables_[address], knowledge);
}

void GlobalRaces::observe(uint64_t address, Knowledge& into) {
    std::lock_guard<std::mutex> lock(variablesMutex_);
    auto it = variables_.find(address);
    if (it != variables_.end()) join(into, it->second);
}

}  // namespace vgpu
