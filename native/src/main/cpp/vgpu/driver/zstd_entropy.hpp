// The two entropy codes of Zstandard, RFC 8878 section 4: finite state entropy (FSE) and Huffman.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace vgpu::driver {

[[noreturn]] void zstdDamaged();

/// Bits from the end of a range backwards, as both codes store them. The last byte's highest set bit is a marker.
class BackwardBits {
public:
    BackwardBits(const uint8_t* data, size_t size);
    /// Up to 32 bits; zeros before the beginning, which `overrun` then tells.
    uint32_t read(unsigned count);
    bool overrun() const { return left_ < 0; }
    /// Bits that are left; negative when more were read than there are.
    int64_t left() const { return left_; }

private:
    const uint8_t* data_;
    int64_t left_;
};

struct FseTable {
    struct Entry {
        uint16_t baseline = 0;
        uint8_t symbol = 0, bits = 0;
    };
    unsigned accuracy = 0;
    std::vector<Entry> entries;

    /// From the probabilities of the symbols, of which -1 means "less than one".
    static FseTable fromProbabilities(const std::vector<int16_t>& probabilities, unsigned accuracy);
    /// A table that always gives one symbol.
    static FseTable single(uint8_t symbol);
    /// From its description; advances `at`. Throws for accuracies or symbols beyond the limits.
    static FseTable parse(const uint8_t* data, size_t size, size_t& at, unsigned maxAccuracy, unsigned maxSymbol);
};

class FseState {
public:
    FseState(const FseTable& table, BackwardBits& bits) : table_(&table), state_(bits.read(table.accuracy)) {}
    uint8_t symbol() const { return table_->entries[state_].symbol; }
    void advance(BackwardBits& bits) {
        const FseTable::Entry& entry = table_->entries[state_];
        state_ = entry.baseline + bits.read(entry.bits);
    }

private:
    const FseTable* table_;
    uint32_t state_;
};

struct HuffmanTable {
    struct Entry {
        uint8_t symbol = 0, bits = 0;
    };
    unsigned maxBits = 0;
    std::vector<Entry> entries;  // by the next maxBits bits

    static HuffmanTable parse(const uint8_t* data, size_t size, size_t& at);
    /// Appends exactly `count` symbols.
    void decode(const uint8_t* data, size_t size, size_t count, std::vector<uint8_t>& out) const;
};

}  // namespace vgpu::driver
