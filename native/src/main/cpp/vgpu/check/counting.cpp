#include "check/counting.hpp"

#include <algorithm>

namespace vgpu {

void Footprint::merge(const Footprint& other) {
    for (const auto& [page, bits] : other.pages_) pages_[page] |= bits;
    lastPage_ = ~0ull;
}

uint64_t Footprint::bytes() const {
    uint64_t sectors = 0;
    for (const auto& [page, bits] : pages_) sectors += bits.count();
    return sectors * 32;
}

SectorCount countSectors(const uint64_t* address, uint32_t mask, uint32_t bytes) {
    if (mask == ~0u) {
        uint64_t difference = 0;
        for (uint32_t i = 0; i < 32; ++i) difference |= address[i] - (address[0] + i * bytes);
        if (difference == 0) return {(address[31] + bytes - 1) / 32 - address[0] / 32 + 1, bytes};
    }
    uint64_t sorted[32];
    uint32_t n = 0;
    eachLane(mask, [&](int i) { sorted[n++] = address[i]; });
    std::sort(sorted, sorted + n);
    uint64_t sectors = 0, distinct = 0, last = ~0ull;
    for (uint32_t i = 0; i < n; ++i) {
        if (i > 0 && sorted[i] == sorted[i - 1]) continue;
        ++distinct;
        uint64_t from = sorted[i] / 32, to = (sorted[i] + bytes - 1) / 32;
        if (last != ~0ull && from <= last) from = last + 1;
        if (to + 1 > from) {
            sectors += to + 1 - from;
            last = to;
        }
    }
    return {sectors, (distinct * bytes + 31) / 32};
}

namespace {

uint64_t phaseWaves(const uint64_t* offset, uint32_t mask, uint32_t words) {
    uint64_t seen[32][32];
    uint8_t count[32] = {};
    uint64_t most = 0;
    eachLane(mask, [&](int i) {
        for (uint32_t k = 0; k < words; ++k) {
            uint64_t word = offset[i] / 4 + k;
            uint32_t bank = word & 31;
            bool known = false;
            for (uint32_t z = 0; z < count[bank] && !known; ++z) known = seen[bank][z] == word;
            if (known || count[bank] == 32) continue;
            seen[bank][count[bank]++] = word;
            most = std::max<uint64_t>(most, count[bank]);
        }
    });
    return most;
}

}  // namespace

WaveCount countWavefronts(const uint64_t* offset, uint32_t mask, uint32_t bytes) {
    uint32_t phases = bytes <= 4 ? 1 : bytes == 8 ? 2 : 4, lanes = 32 / phases;
    WaveCount total{0, 0};
    for (uint32_t p = 0; p < phases; ++p) {
        uint32_t part = phases == 1 ? mask : mask & (((1u << lanes) - 1) << (p * lanes));
        if (part == 0) continue;
        total.waves += phaseWaves(offset, part, std::max(1u, bytes / 4));
        total.ideal += 1;
    }
    return total;
}

}  // namespace vgpu
