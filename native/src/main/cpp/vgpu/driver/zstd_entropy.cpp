#include "driver/zstd_entropy.hpp"

#include <stdexcept>

namespace vgpu::driver {

namespace {

unsigned highestBit(uint32_t value) { return 31 - static_cast<unsigned>(__builtin_clz(value)); }

constexpr unsigned maxHuffmanBits = 11;
constexpr unsigned maxWeightAccuracy = 6;

/// The weights of the symbols, all but the last one, which the sum to a power of two gives.
std::vector<uint8_t> parseWeights(const uint8_t* data, size_t size, size_t& at) {
    if (at >= size) zstdDamaged();
    uint8_t header = data[at++];
    std::vector<uint8_t> weights;
    if (header >= 128) {
        size_t count = header - 127u;
        if ((count + 1) / 2 > size - at) zstdDamaged();
        for (size_t i = 0; i < count; i++) {
            uint8_t pair = data[at + i / 2];
            weights.push_back(i % 2 == 0 ? pair >> 4 : pair & 15);
        }
        at += (count + 1) / 2;
        return weights;
    }
    if (header > size - at) zstdDamaged();
    size_t end = at + header;
    FseTable table = FseTable::parse(data, end, at, maxWeightAccuracy, 255);
    if (at >= end) zstdDamaged();
    BackwardBits bits(data + at, end - at);
    FseState first(table, bits), second(table, bits);
    // The two states alternate until the bits run out; then the other one's symbol ends the list.
    FseState* states[] = {&first, &second};
    for (int turn = 0;; turn ^= 1) {
        if (weights.size() > 255) zstdDamaged();
        weights.push_back(states[turn]->symbol());
        states[turn]->advance(bits);
        if (bits.overrun()) {
            weights.push_back(states[turn ^ 1]->symbol());
            break;
        }
    }
    at = end;
    return weights;
}

}  // namespace

void zstdDamaged() { throw std::invalid_argument("Zstandard data is corrupt"); }

BackwardBits::BackwardBits(const uint8_t* data, size_t size) : data_(data), left_(0) {
    if (size == 0 || data[size - 1] == 0) zstdDamaged();
    left_ = static_cast<int64_t>(size - 1) * 8 + highestBit(data[size - 1]);
}

uint32_t BackwardBits::read(unsigned count) {
    uint32_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        left_--;
        uint32_t bit = left_ >= 0 ? data_[left_ / 8] >> (left_ % 8) & 1u : 0u;
        value = value << 1 | bit;
    }
    return value;
}

FseTable FseTable::single(uint8_t symbol) {
    FseTable table;
    table.entries = {{0, symbol, 0}};
    return table;
}

FseTable FseTable::fromProbabilities(const std::vector<int16_t>& probabilities, unsigned accuracy) {
    FseTable table;
    table.accuracy = accuracy;
    uint32_t size = 1u << accuracy;
    table.entries.resize(size);
    std::vector<uint32_t> next(probabilities.size());
    uint32_t high = size;
    for (size_t s = 0; s < probabilities.size(); s++) {
        if (probabilities[s] == -1) {
            if (high == 0) zstdDamaged();
            table.entries[--high].symbol = static_cast<uint8_t>(s);
            next[s] = 1;
        }
    }
    uint32_t position = 0, placed = 0;
    for (size_t s = 0; s < probabilities.size(); s++) {
        if (probabilities[s] <= 0) continue;
        next[s] = static_cast<uint32_t>(probabilities[s]);
        for (int i = 0; i < probabilities[s]; i++) {
            if (++placed > high) zstdDamaged();
            table.entries[position].symbol = static_cast<uint8_t>(s);
            do {
                position = (position + (size >> 1) + (size >> 3) + 3) & (size - 1);
            } while (position >= high);
        }
    }
    if (placed != high) zstdDamaged();
    for (Entry& entry : table.entries) {
        uint32_t state = next[entry.symbol]++;
        entry.bits = static_cast<uint8_t>(accuracy - highestBit(state));
        entry.baseline = static_cast<uint16_t>((state << entry.bits) - size);
    }
    return table;
}

FseTable FseTable::parse(const uint8_t* data, size_t size, size_t& at, unsigned maxAccuracy, unsigned maxSymbol) {
    size_t bit = at * 8;
    auto peek = [&](unsigned count) {
        uint32_t value = 0;
        for (unsigned i = 0; i < count; i++) {
            size_t index = (bit + i) / 8;
            if (index < size) value |= (data[index] >> ((bit + i) % 8) & 1u) << i;
        }
        return value;
    };
    unsigned accuracy = peek(4) + 5;
    bit += 4;
    if (accuracy > maxAccuracy) zstdDamaged();
    int32_t left = (1 << accuracy) + 1;  // what is still to be given out, plus one
    std::vector<int16_t> probabilities;
    while (left > 1) {
        if (probabilities.size() > maxSymbol || bit / 8 >= size) zstdDamaged();
        // A value up to `left` takes one bit less when it is small.
        unsigned bits = highestBit(static_cast<uint32_t>(left)) + 1;
        uint32_t threshold = (1u << bits) - 1 - static_cast<uint32_t>(left);
        uint32_t value = peek(bits);
        uint32_t low = value & ((1u << (bits - 1)) - 1);
        if (low < threshold) {
            value = low;
            bit += bits - 1;
        } else {
            if (value >= 1u << (bits - 1)) value -= threshold;
            bit += bits;
        }
        int16_t probability = static_cast<int16_t>(static_cast<int32_t>(value) - 1);
        left -= probability < 0 ? 1 : probability;
        probabilities.push_back(probability);
        if (probability == 0) {
            uint32_t repeat;
            do {
                repeat = peek(2);
                bit += 2;
                if (bit / 8 > size || probabilities.size() + repeat > maxSymbol + 1) zstdDamaged();
                probabilities.insert(probabilities.end(), repeat, 0);
            } while (repeat == 3);
        }
    }
    if (left != 1 || probabilities.size() > maxSymbol + 1) zstdDamaged();
    at = (bit + 7) / 8;
    if (at > size) zstdDamaged();
    return fromProbabilities(probabilities, accuracy);
}

HuffmanTable HuffmanTable::parse(const uint8_t* data, size_t size, size_t& at) {
    std::vector<uint8_t> weights = parseWeights(data, size, at);
    uint32_t sum = 0;
    for (uint8_t weight : weights) {
        if (weight > maxHuffmanBits) zstdDamaged();
        if (weight > 0) sum += 1u << (weight - 1);
    }
    if (sum == 0 || weights.size() > 255) zstdDamaged();
    HuffmanTable table;
    table.maxBits = highestBit(sum) + 1;
    uint32_t rest = (1u << table.maxBits) - sum;
    if (table.maxBits > maxHuffmanBits || (rest & (rest - 1)) != 0) zstdDamaged();
    weights.push_back(static_cast<uint8_t>(highestBit(rest) + 1));
    table.entries.resize(size_t(1) << table.maxBits);
    // Codes are given out from the smallest weight, that is the longest code, and by symbol within a weight.
    size_t position = 0;
    for (unsigned weight = 1; weight <= table.maxBits; weight++) {
        for (size_t symbol = 0; symbol < weights.size(); symbol++) {
            if (weights[symbol] != weight) continue;
            Entry entry{static_cast<uint8_t>(symbol), static_cast<uint8_t>(table.maxBits + 1 - weight)};
            size_t span = size_t(1) << (weight - 1);
            if (position + span > table.entries.size()) zstdDamaged();
            for (size_t i = 0; i < span; i++) table.entries[position++] = entry;
        }
    }
    return table;
}

void HuffmanTable::decode(const uint8_t* data, size_t size, size_t count, std::vector<uint8_t>& out) const {
    BackwardBits bits(data, size);
    // A window of maxBits is kept; reading beyond the beginning gives the zeros that pad the last codes.
    uint32_t window = bits.read(maxBits);
    for (size_t i = 0; i < count; i++) {
        const Entry& entry = entries[window];
        out.push_back(entry.symbol);
        window = (window << entry.bits | bits.read(entry.bits)) & ((1u << maxBits) - 1);
    }
    // All bits were consumed, and no more than the window was read beyond them.
    if (bits.left() != -static_cast<int64_t>(maxBits)) zstdDamaged();
}

}  // namespace vgpu::driver
