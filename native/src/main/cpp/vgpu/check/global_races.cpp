#include "check/global_races.hpp"

#include <algorithm>
#include <thread>

namespace vgpu {

namespace {

// What a Memory keeps between launches at most: 128 MiB, for 16 MiB that a launch has touched; 192 where blocks read the
// same.
constexpr size_t KEPT_PAGES = 4096;
constexpr uint8_t WHOLE = 15;

class PageLock {
public:
    PageLock(RacePage& page, bool threaded) : page_(threaded ? &page : nullptr) {
        if (page_ == nullptr) return;
        while (page_->busy.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
    }
    ~PageLock() {
        if (page_ != nullptr) page_->busy.clear(std::memory_order_release);
    }
    PageLock(const PageLock&) = delete;
    PageLock& operator=(const PageLock&) = delete;

private:
    RacePage* page_;
};

}  // namespace

void join(Knowledge& into, const Knowledge& from) {
    for (const auto& [block, clocks] : from) {
        auto& mine = into[block];
        if (mine.size() < clocks.size()) mine.resize(clocks.size(), 0);
        for (size_t i = 0; i < clocks.size(); ++i) mine[i] = std::max(mine[i], clocks[i]);
    }
}

GlobalRaces::GlobalRaces(Memory::State& memory, bool threaded) : memory_(memory), threaded_(threaded) {
    std::unique_lock lock(memory.mutex);
    // A launch that runs at the same time has taken its own.
    pages_ = memory.racePages != nullptr ? std::move(memory.racePages) : std::make_shared<RacePages>();
    memory.racePages = nullptr;
    launch_ = ++pages_->launch;
}

GlobalRaces::~GlobalRaces() {
    if (pages_->pages.size() > KEPT_PAGES) pages_->pages.clear();
    std::unique_lock lock(memory_.mutex);
    memory_.racePages = std::move(pages_);
}

RacePage& GlobalRaces::page(uint64_t number, Recent& recent) {
    const uint64_t slot = number % Recent::SIZE;
    if (recent.pages_[slot] == nullptr || recent.numbers_[slot] != number) {
        std::unique_lock<std::mutex> lock(pages_->mutex, std::defer_lock);
        if (threaded_) lock.lock();
        auto& page = pages_->pages[number];
        if (page == nullptr) page.reset(new RacePage);  // no value-initialisation: parties are cleared when they are first needed
        recent.numbers_[slot] = number;
        recent.pages_[slot] = page.get();
    }
    return *recent.pages_[slot];
}

/// One request while it is recorded.
struct GlobalRaces::Access {
    const BlockClocks& clocks;
    const WarpKnowledge& knowledge;
    Party self;
    uint32_t bytes;  // of a lane
    bool write;
    Recent& recent;
    std::vector<LaneRace>& races;

    bool ordered(const Party& other) const {
        if (other.block == self.block) return other.warp == self.warp || clocks.ordered(self.warp, other.warp, other.clock);
        auto it = knowledge.acquired.find(other.block);
        return it != knowledge.acquired.end() && other.warp < it->second.size() && it->second[other.warp] >= other.clock;
    }
    bool conflicts(const Party& other, uint8_t covered) const { return (other.bytes & covered) != 0 && !(self.strong && other.strong) && !ordered(other); }
    void report(uint32_t lane, const char* what, const Party& other) const {
        if (!races.empty() && races.back().lane == static_cast<int>(lane)) return;
        LaneRace race;
        race.what = what;
        race.other = other;
        race.lane = static_cast<int>(lane);
        races.push_back(race);
    }
    /// What was there before; null for nothing.
    void look(uint32_t lane, const Party* writer, const Party* reader, uint8_t covered) const {
        if (writer != nullptr && conflicts(*writer, covered)) {
            report(lane, write ? "write after write that nothing orders" : "read after write that nothing orders", *writer);
        } else if (reader != nullptr && conflicts(*reader, covered)) {
            report(lane, "write after read that nothing orders", *reader);
        }
    }
    PageParties& own(RacePage& page) const { return write ? page.writers : page.readers; }
};

void PageParties::open(uint64_t now, bool wantsUnits) {
    if (launch != now) {
        launch = now;
        units = wantsUnits;
        std::memset(words, 0, units ? sizeof words / UNIT : sizeof words);
    } else if (units && !wantsUnits) {
        units = false;
        for (uint64_t i = WORDS; i-- != 0;) words[i] = words[i / UNIT];  // backwards: what is read last lies in front
    }
}

/// Before a read of this word, or of the unit that begins with it.
void GlobalRaces::keepElsewhere(const Access& x, RacePage& p, uint64_t word) {
    const Party& before = p.readers.at(word);
    if (before.bytes == 0 || before.block == x.self.block) return;
    if (p.elsewhere == nullptr) p.elsewhere.reset(new PageParties);
    PageParties& e = *p.elsewhere;
    e.open(launch_, p.readers.units);
    if (e.units) e.words[word / PageParties::UNIT] = before;
    else std::fill_n(&e.words[word], p.readers.units ? PageParties::UNIT : 1, before);
}

/// Whole words of lanes that follow each other.
void GlobalRaces::words(const Access& x, uint64_t begin, uint64_t end, uint32_t first) {
    const uint32_t perLane = x.bytes / 4;
    const bool units = perLane == PageParties::UNIT;  // and aligned, as every access here
    for (uint64_t at = begin; at < end;) {
        RacePage& p = page(at / RacePage::BYTES, x.recent);
        PageLock lock(p, threaded_);
        const uint64_t last = std::min(end, (at / RacePage::BYTES + 1) * RacePage::BYTES);
        const uint64_t from = at % RacePage::BYTES / 4, until = from + (last - at) / 4;
        uint32_t lane = first + static_cast<uint32_t>((at - begin) / x.bytes);
        const bool written = !p.writers.empty(launch_), read = x.write && !p.readers.empty(launch_);
        const bool elsewhere = read && p.elsewhere != nullptr && !p.elsewhere->empty(launch_);
        PageParties& own = x.own(p);
        if (written || read) {
            for (uint64_t i = from; i < until; ++i) {
                const uint32_t by = lane + static_cast<uint32_t>(i - from) / perLane;
                if (written && p.writers.at(i).bytes != 0) x.look(by, &p.writers.at(i), nullptr, WHOLE);
                if (read && p.readers.at(i).bytes != 0) x.look(by, nullptr, &p.readers.at(i), WHOLE);
                if (elsewhere && p.elsewhere->at(i).bytes != 0) x.look(by, nullptr, &p.elsewhere->at(i), WHOLE);
            }
        }
        own.open(launch_, units);
        Party self = x.self;
        self.bytes = WHOLE;
        // An access never crosses a page: both are aligned.
        for (uint64_t i = from; i < until; i += perLane) {
            self.lane = static_cast<uint8_t>(lane++);
            for (uint64_t k = 0; !x.write && k < perLane; k += own.units ? PageParties::UNIT : 1) keepElsewhere(x, p, i + k);
            if (own.units) own.words[i / PageParties::UNIT] = self;
            else for (uint64_t k = 0; k < perLane; ++k) own.words[i + k] = self;
        }
        at = last;
    }
}

/// The access of one lane, in parts of words.
void GlobalRaces::lane(const Access& x, uint64_t address, uint32_t lane) {
    for (uint64_t at = address; at < address + x.bytes;) {
        const uint32_t first = at % 4, count = static_cast<uint32_t>(std::min<uint64_t>(4 - first, address + x.bytes - at));
        const uint8_t covered = static_cast<uint8_t>(((1u << count) - 1) << first);
        RacePage& p = page(at / RacePage::BYTES, x.recent);
        PageLock lock(p, threaded_);
        const uint64_t word = at % RacePage::BYTES / 4;
        x.look(lane, p.writers.empty(launch_) ? nullptr : &p.writers.at(word), !x.write || p.readers.empty(launch_) ? nullptr : &p.readers.at(word), covered);
        if (x.write && !p.readers.empty(launch_) && p.elsewhere != nullptr && !p.elsewhere->empty(launch_)) x.look(lane, nullptr, &p.elsewhere->at(word), covered);
        PageParties& parties = x.own(p);
        parties.open(launch_, false);
        if (!x.write) keepElsewhere(x, p, word);
        Party& own = parties.words[word];
        const bool mine = own.block == x.self.block && own.warp == x.self.warp && own.clock == x.self.clock;
        const uint8_t before = mine ? own.bytes : 0;
        own = x.self;
        own.lane = static_cast<uint8_t>(lane);
        own.bytes = static_cast<uint8_t>(before | covered);
        at += count;
    }
}

void GlobalRaces::access(const BlockClocks& clocks, const WarpKnowledge& knowledge, Party self, const LaneAddresses& at, uint32_t mask, const Runs& runs,
                         bool write, Recent& recent, std::vector<LaneRace>& races) {
    Access x{clocks, knowledge, self, at.bytes, write, recent, races};
    // Of lanes that write one word, the last stays.
    if (at.bytes < 4 || !runs.aligned() || (write && runs.repeated())) {
        if (write) {
            eachLane(mask, [&](int i) { lane(x, at.at[i], static_cast<uint32_t>(i)); });
            return;
        }
        for (const Run r : runs) {
            uint32_t i = r.first;
            for (uint64_t a = r.begin; a < r.end; a += at.bytes) lane(x, a, i++);
        }
        return;
    }
    for (const Run r : runs) words(x, r.begin, r.end, r.first);
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
