#include "check/counting.hpp"

#include "check/lane_addresses.hpp"

#include <algorithm>

namespace vgpu {

Footprint::Page& Footprint::page(uint64_t number) {
    Recent& r = recent_[number % RECENT];
    if (r.number != number) r = {number, &pages_[number]};
    return *r.page;
}

void Footprint::add(uint64_t begin, uint64_t end) {
    for (uint64_t sector = begin >> 5; sector << 5 < end;) {
        Page& p = page(sector >> 7);
        do p.set(sector & 127);
        while (++sector << 5 < end && (sector & 127) != 0);
    }
}

void Footprint::merge(const Footprint& other) {
    for (const auto& [number, bits] : other.pages_) pages_[number] |= bits;
}

uint64_t Footprint::bytes() const {
    uint64_t sectors = 0;
    for (const auto& [number, bits] : pages_) sectors += bits.count();
    return sectors * 32;
}

namespace {

template <class ITERATOR>
uint64_t sectorsInOrder(ITERATOR begin, ITERATOR end) {
    uint64_t sectors = 0, next = 0;
    for (ITERATOR i = begin; i != end; ++i) {
        const Run r = *i;
        const uint64_t from = std::max(next, r.begin / 32), to = (r.end - 1) / 32 + 1;
        if (to > from) sectors += to - from;
        next = std::max(next, to);
    }
    return sectors;
}

}  // namespace

SectorCount countSectors(const Runs& runs) {
    const uint64_t ideal = (runs.totalBytes() + 31) / 32;
    if (runs.ascending()) return {sectorsInOrder(runs.begin(), runs.end()), ideal};
    Run sorted[32];
    Run* end = sorted;
    for (const Run r : runs) *end++ = r;
    std::sort(sorted, end, [](const Run& a, const Run& b) { return a.begin < b.begin; });
    return {sectorsInOrder(sorted, end), ideal};
}

namespace {

// A lane's access is one unit of its phase: all its banks are met by the same lanes, so one of them tells.
uint64_t phaseWaves(const uint64_t* offset, uint32_t mask, int shift, uint32_t banks) {
    uint32_t met = 0, lanes = 0;
    eachLane(mask, [&](int i) {
        met |= 1u << (offset[i] >> shift & (banks - 1));
        ++lanes;
    });
    uint32_t distinct = 0;
    for (uint32_t rest = met; rest != 0; rest &= rest - 1) ++distinct;
    if (distinct == lanes) return 1;
    uint64_t seen[32][32];
    uint8_t count[32] = {};
    uint64_t most = 0;
    eachLane(mask, [&](int i) {
        const uint64_t word = offset[i] >> shift;
        const uint32_t bank = word & (banks - 1);
        for (uint32_t z = 0; z < count[bank]; ++z) {
            if (seen[bank][z] == word) return;
        }
        seen[bank][count[bank]++] = word;
        most = std::max<uint64_t>(most, count[bank]);
    });
    return most;
}

}  // namespace

WaveCount countWavefronts(const uint64_t* offset, uint32_t mask, uint32_t bytes, uint32_t breaks) {
    const uint32_t unit = std::max(4u, bytes), phases = unit / 4, lanes = 32 / phases;
    WaveCount total{0, 0};
    for (uint32_t p = 0; p < phases; ++p) {
        const uint32_t part = phases == 1 ? mask : mask & (((1u << lanes) - 1) << (p * lanes));
        if (part == 0) continue;
        // Lanes that all follow their neighbours cover at most as many bytes as all banks hold.
        const bool dense = (breaks & part & (part - 1)) == 0;
        total.waves += dense ? 1 : phaseWaves(offset, part, __builtin_ctz(unit), 32 / phases);
        total.ideal += 1;
    }
    return total;
}

}  // namespace vgpu
