#include "memory/memory_state.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <new>

#include <sys/mman.h>

namespace vgpu {

namespace {

// Between two allocations lies at least this much that nobody owns, so that an access just past an end is never inside
// the next one.
constexpr uint64_t REDZONE = 256;
constexpr uint64_t GRANULE = 256;
constexpr uint64_t MAX_ALIGNMENT = 1 << 21;

uint64_t alignUp(uint64_t v, uint64_t alignment) { return (v + alignment - 1) / alignment * alignment; }

uint8_t* reserve(uint64_t bytes) {
    void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    return static_cast<uint8_t*>(p);
}

/// Gives pages back; they read as zero afterwards. Parts of pages at the ends are cleared.
void discard(uint8_t* begin, uint64_t bytes) {
    constexpr uint64_t PAGE = 4096;
    uint64_t first = alignUp(reinterpret_cast<uint64_t>(begin), PAGE), last = (reinterpret_cast<uint64_t>(begin) + bytes) / PAGE * PAGE;
    if (first >= last) {
        std::memset(begin, 0, bytes);
        return;
    }
    std::memset(begin, 0, first - reinterpret_cast<uint64_t>(begin));
    madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
    std::memset(reinterpret_cast<void*>(last), 0, reinterpret_cast<uint64_t>(begin) + bytes - last);
}

std::string hex(uint64_t v) {
    char text[20];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(v));
    return text;
}

std::string describeRecord(const Allocation& a) {
    std::string text = std::to_string(a.size) + " bytes at " + hex(a.address) + " from " + a.site;
    if (a.freed) text += ", freed by " + a.freeSite;
    return text;
}

}  // namespace

Memory::Memory(uint64_t capacityBytes) : state_(std::make_unique<State>()) {
    State& s = *state_;
    s.capacity = capacityBytes;
    // Twice the capacity in addresses keeps redzones, the quarantine and fragmentation from eating into it.
    uint64_t span = alignUp(capacityBytes * 2 + (64ull << 20), 1 << 21);
    s.begin = reinterpret_cast<uint64_t>(reserve(span));
    s.end = s.begin + span;
    try {
        s.shadow = reserve(span / 4);
    } catch (const std::bad_alloc&) {
        munmap(reinterpret_cast<void*>(s.begin), span);
        throw;
    }
    s.freeRanges[s.begin + REDZONE] = s.end;
}

Memory::~Memory() {
    munmap(reinterpret_cast<void*>(state_->begin), state_->end - state_->begin);
    munmap(state_->shadow, (state_->end - state_->begin) / 4);
}

uint64_t Memory::State::span(const AllocationRecord& record) const { return alignUp(std::max<uint64_t>(record.info.size, 1), GRANULE) + REDZONE; }

uint64_t Memory::allocate(uint64_t bytes, const std::string& site, MemoryKind kind, uint64_t alignment) {
    State& s = *state_;
    std::unique_lock lock(s.mutex);
    alignment = std::max<uint64_t>(alignment, GRANULE);
    if (bytes > s.capacity || s.used + bytes > s.capacity || alignment > MAX_ALIGNMENT || (alignment & (alignment - 1)) != 0) return 0;
    auto record = std::make_shared<AllocationRecord>();
    record->info.size = bytes;
    uint64_t span = s.span(*record);
    for (int attempt = 0; attempt < 2; ++attempt) {
        for (auto it = s.freeRanges.begin(); it != s.freeRanges.end(); ++it) {
            auto [begin, end] = *it;
            uint64_t at = alignUp(begin, alignment);
            if (at >= end || end - at < span) continue;
            s.freeRanges.erase(it);
            if (at > begin) s.freeRanges[begin] = at;
            if (at + span < end) s.freeRanges[at + span] = end;
            record->info.address = at;
            record->info.kind = kind;
            record->info.site = site;
            record->info.serial = s.nextSerial++;
            record->initialised = bytes == 0;
            s.used += bytes;
            s.live[at] = std::move(record);
            ++s.version;
            return at;
        }
        // Addresses have run out: the quarantine must give some back.
        while (!s.quarantineOrder.empty()) s.release(s.quarantined.find(s.quarantineOrder.front()));
    }
    return 0;
}

void Memory::State::release(std::map<uint64_t, std::shared_ptr<AllocationRecord>>::iterator it) {
    uint64_t from = it->first, to = from + span(*it->second);
    quarantineBytes -= it->second->info.size;
    quarantineOrder.pop_front();
    quarantined.erase(it);
    auto next = freeRanges.lower_bound(from);
    if (next != freeRanges.end() && next->first == to) {
        to = next->second;
        next = freeRanges.erase(next);
    }
    if (next != freeRanges.begin()) {
        auto previous = std::prev(next);
        if (previous->second == from) {
            previous->second = to;
            return;
        }
    }
    freeRanges[from] = to;
}

FreeResult Memory::free(uint64_t address, const std::string& site) {
    State& s = *state_;
    std::unique_lock lock(s.mutex);
    auto it = s.live.find(address);
    if (it == s.live.end()) return s.quarantined.count(address) != 0 ? FreeResult::AlreadyFreed : FreeResult::NotAnAllocation;
    std::shared_ptr<AllocationRecord> record = it->second;
    s.live.erase(it);
    record->info.freed = true;
    record->info.freeSite = site;
    record->initialised = false;
    s.used -= record->info.size;
    discard(reinterpret_cast<uint8_t*>(address), record->info.size);
    discard(s.shadow + (address - s.begin) / 4, (record->info.size + 3) / 4);
    s.quarantineBytes += record->info.size;
    s.quarantined[address] = std::move(record);
    s.quarantineOrder.push_back(address);
    // Pages are gone already; what the quarantine holds is addresses and a record each.
    while (s.quarantineBytes > s.capacity / 2 || s.quarantineOrder.size() > 4096) s.release(s.quarantined.find(s.quarantineOrder.front()));
    ++s.version;
    return FreeResult::Freed;
}

bool Memory::registerHost(void* host, uint64_t bytes, const std::string& site) {
    State& s = *state_;
    std::unique_lock lock(s.mutex);
    uint64_t address = reinterpret_cast<uint64_t>(host);
    if (host == nullptr || bytes == 0 || address + bytes < address) return false;
    auto next = s.registered.lower_bound(address);
    if (next != s.registered.end() && next->first < address + bytes) return false;
    if (next != s.registered.begin() && std::prev(next)->second->end() > address) return false;
    auto record = std::make_shared<AllocationRecord>();
    record->info.address = address;
    record->info.size = bytes;
    record->info.kind = MemoryKind::Host;
    record->info.site = site;
    record->info.serial = s.nextSerial++;
    record->initialised = true;
    s.registered[address] = std::move(record);
    ++s.version;
    return true;
}

bool Memory::unregisterHost(void* host) {
    State& s = *state_;
    std::unique_lock lock(s.mutex);
    if (s.registered.erase(reinterpret_cast<uint64_t>(host)) == 0) return false;
    ++s.version;
    return true;
}

std::shared_ptr<AllocationRecord> Memory::State::lookup(uint64_t address) const {
    for (const auto* table : {&live, &registered}) {
        auto it = table->upper_bound(address);
        if (it == table->begin()) continue;
        const auto& record = std::prev(it)->second;
        if (address < record->end()) return record;
    }
    return nullptr;
}

std::optional<Allocation> Memory::find(uint64_t address) const {
    const State& s = *state_;
    std::shared_lock lock(s.mutex);
    if (auto record = s.lookup(address)) return record->info;
    auto it = s.quarantined.upper_bound(address);
    if (it == s.quarantined.begin()) return std::nullopt;
    const auto& record = std::prev(it)->second;
    return address < record->end() ? std::optional(record->info) : std::nullopt;
}

std::string Memory::describe(uint64_t address) const {
    if (auto a = find(address)) {
        return "byte " + std::to_string(address - a->address) + " of the " + (a->freed ? "freed " : "") + "allocation of " + describeRecord(*a);
    }
    const State& s = *state_;
    std::shared_lock lock(s.mutex);
    // The neighbour that is nearer: an overrun is reported with what was overrun.
    const AllocationRecord *before = nullptr, *after = nullptr;
    for (const auto* table : {&s.live, &s.registered}) {
        auto it = table->upper_bound(address);
        if (it != table->end() && (after == nullptr || it->first < after->begin())) after = it->second.get();
        if (it != table->begin() && (before == nullptr || std::prev(it)->second->end() > before->end())) before = std::prev(it)->second.get();
    }
    uint64_t past = before != nullptr ? address - before->end() : UINT64_MAX, ahead = after != nullptr ? after->begin() - address : UINT64_MAX;
    constexpr uint64_t NEAR = 1 << 20;
    if (before != nullptr && past <= ahead && past < NEAR) return std::to_string(past) + " bytes past the end of the allocation of " + describeRecord(before->info);
    if (after != nullptr && ahead < NEAR) return std::to_string(ahead) + " bytes before the allocation of " + describeRecord(after->info);
    return "not near any allocation";
}

std::optional<Allocation> Memory::enclosing(uint64_t address, uint64_t bytes) const {
    const State& s = *state_;
    std::shared_lock lock(s.mutex);
    auto record = s.lookup(address);
    if (record == nullptr) {
        // An empty range may stand at the very end.
        auto it = s.live.upper_bound(address);
        if (bytes == 0 && it != s.live.begin() && std::prev(it)->second->end() == address) return std::prev(it)->second->info;
        return std::nullopt;
    }
    return record->end() - address >= bytes ? std::optional(record->info) : std::nullopt;
}

void* Memory::host(uint64_t address, uint64_t bytes) const { return enclosing(address, bytes) ? reinterpret_cast<void*>(address) : nullptr; }

void Memory::State::setShadow(uint64_t address, uint64_t bytes, bool value) {
    auto mark = [&](uint64_t at, uint8_t bits) {
        uint8_t* p = shadow + (at - begin) / 4;
        if (value) __atomic_fetch_or(p, bits, __ATOMIC_RELAXED);
        else __atomic_fetch_and(p, static_cast<uint8_t>(~bits), __ATOMIC_RELAXED);
    };
    uint64_t last = address + bytes;
    while (address < last && address % 4 != 0) mark(address & ~3ull, static_cast<uint8_t>(1u << (address % 4))), ++address;
    uint64_t words = (last - address) / 4;
    std::memset(shadow + (address - begin) / 4, value ? 15 : 0, words);
    for (address += words * 4; address < last; ++address) mark(address & ~3ull, static_cast<uint8_t>(1u << (address % 4)));
}

bool Memory::State::testShadow(uint64_t address, uint64_t bytes) const {
    if ((address | bytes) % 4 == 0) {
        const uint8_t* words = shadow + (address - begin) / 4;
        uint8_t all = 15;
        for (uint64_t i = 0; i < bytes / 4; ++i) all &= words[i];
        return all == 15;
    }
    for (uint64_t at = address; at < address + bytes;) {
        uint8_t bits = shadow[(at - begin) / 4];
        if (at % 4 == 0 && address + bytes - at >= 4) {
            if (bits != 15) return false;
            at += 4;
        } else {
            if (!(bits >> (at % 4) & 1)) return false;
            ++at;
        }
    }
    return true;
}

void Memory::markInitialised(uint64_t address, uint64_t bytes) {
    State& s = *state_;
    std::shared_lock lock(s.mutex);
    auto record = s.lookup(address);
    if (record == nullptr || record->initialised || record->end() - address < bytes) return;
    if (address == record->begin() && bytes == record->info.size) {
        record->initialised = true;
        return;
    }
    s.setShadow(address, bytes, true);
}

bool Memory::isInitialised(uint64_t address, uint64_t bytes) const {
    const State& s = *state_;
    std::shared_lock lock(s.mutex);
    auto record = s.lookup(address);
    if (record == nullptr || record->end() - address < bytes) return false;
    return record->initialised || s.testShadow(address, bytes);
}

void Memory::copyInitialised(uint64_t destination, uint64_t source, uint64_t bytes) {
    State& s = *state_;
    std::shared_lock lock(s.mutex);
    auto from = s.lookup(source), to = s.lookup(destination);
    if (from == nullptr || to == nullptr || from->end() - source < bytes || to->end() - destination < bytes) return;
    bool known = from->initialised || s.testShadow(source, bytes);
    if (known) {
        lock.unlock();
        markInitialised(destination, bytes);
        return;
    }
    if (to->initialised || !s.inArena(destination)) return;  // stays what it is: too rare to undo
    for (uint64_t i = 0; i < bytes; ++i) {
        bool value = s.testShadow(source + i, 1);
        s.setShadow(destination + i, 1, value);
    }
}

std::vector<Allocation> Memory::live() const {
    const State& s = *state_;
    std::shared_lock lock(s.mutex);
    std::vector<Allocation> list;
    for (const auto& [address, record] : s.live) {
        if (record->info.kind == MemoryKind::Device && record->info.site.rfind("module ", 0) != 0) list.push_back(record->info);
    }
    std::sort(list.begin(), list.end(), [](const Allocation& a, const Allocation& b) { return a.serial < b.serial; });
    return list;
}

uint64_t Memory::capacity() const { return state_->capacity; }

uint64_t Memory::used() const {
    std::shared_lock lock(state_->mutex);
    return state_->used;
}

}  // namespace vgpu
